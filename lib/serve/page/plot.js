/** A plot of tokens a second, which grows as they come. */

const [HEIGHT, LEFT, BOTTOM] = [180, 44, 20];

/** Milliseconds over which a speed is taken, and the least of them: the first tokens often come together. */
const [SPAN_MS, LEAST_MS] = [1000, 50];

const made = (name, attributes, text = "") => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
};

/** Draws the plot that is there anew when its width changes. */
let observer;

/** Speeds of some models. */
export class SpeedPlot {
  #holder;
  #names;
  /** When each token came, in milliseconds since the start, by model. */
  #times;
  #due = false;
  #width = 0;

  constructor(holder, names) {
    this.#holder = holder;
    this.#names = names;
    this.#times = names.map(() => []);
    observer?.disconnect();
    observer = new ResizeObserver(() => {
      if (holder.clientWidth !== this.#width) this.#draw();
    });
    observer.observe(holder);
    this.#draw();
  }

  /** Adds a token that came now. */
  push(model, milliseconds) {
    this.#times[model].push(milliseconds);
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  /** Tokens a second at each token. */
  #speeds(times) {
    let from = 0;
    return times.map((time, i) => {
      while (time - times[from] > SPAN_MS) from++;
      const span = time - times[from];
      // Of tokens that came together the last counts.
      const later = times[i + 1] - time < 1;
      return span < LEAST_MS || later ? undefined : { time, speed: 1000 * (i - from) / span };
    }).filter((point) => point !== undefined);
  }

  #draw() {
    const lines = this.#times.map((times) => this.#speeds(times));
    const points = lines.flat();
    const [longest, fastest] = [
      Math.max(100, ...points.map(({ time }) => time)),
      Math.max(1, ...points.map(({ speed }) => speed)),
    ];
    const step = 10 ** Math.floor(Math.log10(fastest)) *
      (fastest / 10 ** Math.floor(Math.log10(fastest)) > 5 ? 2 : 1);
    const top = Math.ceil(fastest / step) * step;
    const width = this.#width = this.#holder.clientWidth;
    const x = (time) => LEFT + (width - LEFT) * time / longest;
    const y = (speed) => (HEIGHT - BOTTOM) * (1 - speed / top);
    const whole = this.#times.map((times, i) => {
      const rate = times.length > 1 ? 1000 * (times.length - 1) / (times.at(-1) - times[0]) : 0;
      return `${this.#names[i]}: ${Number.isFinite(rate) ? rate.toPrecision(3) : 0}`;
    });
    const label = `Tokens a second over time. ${whole.join(", ")}`;
    const svg = made("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
    for (let speed = 0; speed <= top; speed += step) {
      svg.append(made("line", { x1: LEFT, x2: width, y1: y(speed), y2: y(speed) }));
      svg.append(made("text", { x: LEFT - 8, y: y(speed) + 4, "text-anchor": "end" }, String(speed)));
    }
    svg.append(
      made("text", { x: width, y: HEIGHT, "text-anchor": "end" }, `${(longest / 1000).toFixed(1)} s`),
    );
    for (const [i, line] of lines.entries()) {
      const path = line.map(({ time, speed }) => `${x(time).toFixed(1)},${y(speed).toFixed(1)}`).join(" ");
      svg.append(made("polyline", { points: path, ...i === 1 && { class: "second" } }));
    }
    const key = document.createElement("p");
    key.className = "key";
    key.textContent = whole.join(" · ") + (whole.length > 1 ? " (dashed)" : "");
    this.#holder.replaceChildren(svg, key);
  }
}

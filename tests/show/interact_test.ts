import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { barChart } from "../../lib/show/bar_chart.ts";
import { animation, dropdown, slider } from "../../lib/show/interact.ts";

const steps = [1, 2].map((i) => ({
  label: `step ${i}`,
  figure: barChart(["a", "b"], [{ name: "x", values: [i, 2 * i] }, { name: "y", values: [i, i] }]),
}));

Deno.test("a slider and a menu show one figure's traces at a time", () => {
  for (const choose of [slider, dropdown]) {
    const { data, layout } = choose(steps, { start: 1 });
    assertEquals(data.map(({ visible }) => visible), [false, false, true, true]);
    const { sliders, updatemenus } = layout as unknown as Record<
      string,
      { steps?: unknown[]; buttons?: unknown[] }[]
    >;
    const control = (sliders ?? updatemenus)![0]!;
    const choices = control.steps ?? control.buttons;
    assertEquals((choices as { args: { visible: boolean[] }[] }[]).map(({ args }) => args[0]!.visible), [
      [true, true, false, false],
      [false, false, true, true],
    ]);
  }
});

Deno.test("an animation has a frame for each figure and refuses figures that do not match", () => {
  const film = animation(steps) as unknown as { frames: unknown[] };
  assertEquals(film.frames.length, 2);
  const odd = { label: "odd", figure: barChart(["a"], [{ name: "x", values: [1] }]) };
  assertThrows(() => animation([...steps, odd]), OptionError, "odd has 1 traces, step 1 has 2");
  assertThrows(() => slider([]), OptionError, "there are 0");
});

/**
 * The page, as files that a browser loads as they are.
 *
 * @module
 */
import html from "./page/index.html" with { type: "text" };
import css from "./page/page.css" with { type: "text" };
import main from "./page/main.js" with { type: "text" };
import api from "./page/api.js" with { type: "text" };
import text from "./page/text.js" with { type: "text" };
import plot from "./page/plot.js" with { type: "text" };

/** Nothing is loaded from elsewhere, and no other site may show the page. */
const POLICY =
  "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const TYPES = { html: "text/html", css: "text/css", js: "text/javascript" };

/** Each path of the page, and what answers it. */
export function pageFiles(): Map<string, () => Response> {
  const file = (type: keyof typeof TYPES, content: string) => () =>
    new Response(content, {
      headers: {
        "content-type": `${TYPES[type]}; charset=utf-8`,
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
      },
    });
  return new Map([
    ["/", file("html", html)],
    ["/page.css", file("css", css)],
    ["/main.js", file("js", main)],
    ["/api.js", file("js", api)],
    ["/text.js", file("js", text)],
    ["/plot.js", file("js", plot)],
  ]);
}

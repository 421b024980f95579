/**
 * plotly.js, which draws the figures of HTML pages. Pages contain it, so that they load nothing.
 *
 * @module
 */
import source from "npm:plotly.js-cartesian-dist-min@4.1.1/plotly-cartesian.min.js" with { type: "text" };

/** Its source, about 1.5 MB. */
export const plotly: string = source;

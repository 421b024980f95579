/**
 * Showing: models, matrices, figures, records and progress, in a notebook, in a terminal or as an HTML file.
 *
 * ```ts
 * import { barChart, display } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const figure = barChart(["int4", "any4"], [{ name: "error", values: [0.11, 0.08] }], { title: "Errors" });
 * assertStringIncludes(figure[display]()["image/svg+xml"] as string, "Errors");
 * ```
 *
 * @module
 */
export { paperPage } from "./paper_page.ts";
export { type Progress, progress, type ProgressOptions } from "../terminal/progress.ts";
export { type Column, table, type TableOptions, terminalWidth } from "../terminal/table.ts";
export { count, decimal, duration, measured, percent, size } from "../terminal/units.ts";
export { visible } from "../terminal/visible.ts";
export { fold } from "../terminal/width.ts";
export { analysisHtml, type AnalyzedLinear } from "./analysis_page.ts";
export { barChart, type BarOptions, type BarSeries } from "./bar_chart.ts";
export { calibrationSummary } from "./calibration_summary.ts";
export { codeView, type CodeViewOptions } from "./code_view.ts";
export type { ColorScale } from "./color_scale.ts";
export { display, type MimeBundle, type View, view } from "../display.ts";
export type { Annotation, Axis, Figure, FigureLayout, FigureSize, Line, Trace } from "./figure.ts";
export { heatMap, type HeatMapOptions } from "./heat_map.ts";
export { type FormatValues, type HistogramOptions, histogramPlot } from "./histogram_plot.ts";
export { animation, type ChoiceOptions, dropdown, slider, type Step } from "./interact.ts";
export { type KindsOptions, kindsPlot } from "./kinds_plot.ts";
export { klPlot } from "./kl_plot.ts";
export { layerErrorPlot, type LayerSeries } from "./layer_error_plot.ts";
export { matrixSummary } from "./matrix_summary.ts";
export type { Dash, PointShape } from "./palette.ts";
export { paretoFront, type ParetoOptions, paretoPlot } from "./pareto_plot.ts";
export { reportHtml } from "./report.ts";
export type { Report, ReportBaseline, ReportRow } from "./report_data.ts";
export { type Results, resultsText } from "./results_table.ts";
export { show, type ShowOptions } from "./show.ts";
export type { LinearSpeedRow, ModelSpeedRow, SpeedPlace, SpeedReport } from "./speed_data.ts";
export { speedupPlot, throughputPlot, tokensPlot } from "./speed_plot.ts";
export { speedHtml } from "./speed_report.ts";
export { speedText } from "./speed_table.ts";
export { type Cell, recordsView, tableView, type TableViewOptions } from "./table_view.ts";
export { lineChart, type PlotOptions, scatterPlot, type XyOptions, type XySeries } from "./xy_plot.ts";

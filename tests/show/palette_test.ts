import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { formatStyle, neutralColor, seriesStyle } from "../../lib/show/palette.ts";

Deno.test("every colour has 3:1 against the light and the dark page", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const colors = ["any4", "int4", "nf4", "fp4", "af4", "mx4"].map((name) => formatStyle(name).color);
  assertEquals(new Set(colors).size, 6);
  const others = Array.from({ length: 6 }, (_, i) => seriesStyle("a series", i).color);
  assertEquals(new Set([...colors, ...others]).size, 12, "what is no format has no format's colour");
  for (const color of [...colors, ...others, neutralColor]) {
    for (const page of ["#ffffff", "#14171a"]) {
      const [low, high] = [luminance(color), luminance(page)].sort((a, b) => a - b);
      assertGreaterOrEqual((high! + 0.05) / (low! + 0.05), 3, `${color} on ${page}`);
    }
  }
});

Deno.test("marks are hollow where a format's codes were chosen by more than k-means", () => {
  const symbols = ["any4", "any4, calibrated", "any4sym/int8 lnq", "int3 awq+gptq"].map((name) =>
    formatStyle(name).symbol
  );
  assertEquals(symbols, ["circle", "circle", "circle-open", "square-open"]);
});

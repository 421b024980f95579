import { assertEquals } from "@std/assert";
import { floatKeys, jsonWithFloats } from "../../lib/files/json_floats.ts";

Deno.test("numbers that were written as floats are written as floats again, others as they are", () => {
  const text =
    '{"cap": 30.0, "size": 30, "eps": 1e-5, "theta": 1e4, "list": [1.0, 2], "in": {"factor": 8.0}}';
  const keys = floatKeys(text);
  assertEquals([...keys].sort(), ["cap", "factor", "theta"]);
  const lines = jsonWithFloats(JSON.parse(text), keys).replaceAll(/\s+/g, "");
  assertEquals(
    lines,
    '{"cap":30.0,"size":30,"eps":0.00001,"theta":10000.0,"list":[1,2],"in":{"factor":8.0}}',
  );
  assertEquals(JSON.parse(lines), JSON.parse(text));
  assertEquals(jsonWithFloats({ cap: null, theta: "x", factor: 1e300 }, keys).includes("1e+300"), true);
});

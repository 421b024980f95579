/**
 * Notebooks as `deno fmt` would have them.
 *
 * `deno fmt --check` of Deno 2.9.6 calls every notebook badly formatted that it has not itself just written, so that
 * deno.json excludes them and their text goes through stdin.
 *
 * @module
 */

/**
 * A notebook's text, formatted by the project's rules.
 *
 * @throws {Error} when it cannot be read, with what `deno fmt` says.
 */
export async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "ipynb", "-"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}

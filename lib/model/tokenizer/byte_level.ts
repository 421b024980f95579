/**
 * Bytes as the printable characters that byte-level BPE writes them with.
 *
 * @module
 */

/** Characters by byte: printable Latin-1 stands for itself, the others are U+0100 onwards (gpt-2, encoder.py). */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);
const utf8 = new TextEncoder();

/** A text's UTF-8 bytes, each as its character. */
export function toByteCharacters(text: string): string {
  let characters = "";
  for (const byte of utf8.encode(text)) characters += BYTE_CHARACTERS[byte]!;
  return characters;
}

/** The bytes of a token, or its UTF-8 bytes where one of its characters stands for none: an added token may hold such. */
export function tokenBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let at = 0; at < token.length; at++) {
    const byte = BYTES.get(token[at]!);
    if (byte === undefined) return utf8.encode(token);
    bytes[at] = byte;
  }
  return bytes;
}

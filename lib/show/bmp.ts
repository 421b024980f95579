/**
 * Small pictures inside other documents, in the simplest file format there is.
 *
 * @module
 */

const HEADERS_BYTES = 54;

/**
 * Encodes a picture of at most 256 colours as a data: URL.
 *
 * @param pixels numbers of colours, row by row from the top.
 * @param options.palette red, green and blue of each of 256 colours.
 */
export function bmpUrl(
  pixels: Uint8Array,
  options: { width: number; palette: readonly (readonly [number, number, number])[] },
): string {
  const { width, palette } = options;
  const height = pixels.length / width;
  // Rows begin at multiples of four bytes.
  const stride = Math.ceil(width / 4) * 4;
  const start = HEADERS_BYTES + 4 * palette.length;
  const file = new Uint8Array(start + stride * height);
  const header = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  header.setUint32(2, file.length, true);
  header.setUint32(10, start, true);
  header.setUint32(14, 40, true);
  header.setInt32(18, width, true);
  // A negative height means that the top row comes first.
  header.setInt32(22, -height, true);
  header.setUint16(26, 1, true);
  header.setUint16(28, 8, true);
  header.setUint32(46, palette.length, true);
  palette.forEach(([red, green, blue], i) => file.set([blue, green, red, 0], HEADERS_BYTES + 4 * i));
  for (let r = 0; r < height; r++) file.set(pixels.subarray(r * width, (r + 1) * width), start + r * stride);
  return `data:image/bmp;base64,${file.toBase64()}`;
}

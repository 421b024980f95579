/**
 * The text that calibrates when none is given: one sample with five kinds in it, since one curated text does as well
 * as thousands of random ones (any4, section 3.4). Statistics of pairs of columns take more.
 *
 * @module
 */
import { MORE_SAMPLES } from "./more_samples.ts";

/** Fiction, news, code, arithmetic and facts, a few lines of each. */
export const CALIBRATION_SAMPLE =
  `The lighthouse keeper's daughter had never seen the town at night. One evening, when the fog \
rolled in and the lamp was already burning, she took her father's old coat, tied the boat loose, and rowed toward the \
faint yellow windows. "If I am not back by morning," she told the cat, "ring the bell." The cat said nothing, as usual.

City council votes to reopen the northern bridge. After eleven months of repairs, the council decided on Tuesday by 14 \
votes to 9 to let cars cross the river again. The mayor called it a good day for the harbour district, while shop owners \
warned that the new toll of $2.50 could keep customers away. Work on the footpath will continue until October.

def moving_average(values, width):
    """Return the mean of each run of \`width\` neighbours."""
    total = sum(values[:width])
    means = [total / width]
    for i in range(width, len(values)):
        total += values[i] - values[i - width]
        means.append(total / width)
    return means

print(moving_average([1, 2, 3, 4, 5], 2))  # [1.5, 2.5, 3.5, 4.5]

A train leaves at 9:40 and travels 156 km at 78 km per hour. It needs 156 / 78 = 2 hours, so it arrives at 11:40. \
Twelve boxes of 24 pencils hold 12 * 24 = 288 pencils; shared by 9 classes, each gets 288 / 9 = 32. \
Since 17 + 25 = 42 and 42 - 19 = 23, the answer is 23.

Water boils at 100 degrees Celsius at sea level and freezes at 0. The Danube rises in Germany, passes through four \
capitals, and ends in the Black Sea. Copper conducts electricity better than iron. Light takes about eight minutes from \
the Sun to the Earth, and the Moon goes around the Earth in a little more than 27 days.
`;

/** The texts that calibrate methods of E[x xᵀ] when none is given. */
export const CALIBRATION_SAMPLES: readonly string[] = [CALIBRATION_SAMPLE, ...MORE_SAMPLES];

/** The text or texts that calibrate: those given, or the library's own. */
export function sampleText(
  { text, gram }: { text?: string | readonly string[]; gram?: boolean },
): string | readonly string[] {
  return text ?? (gram ? CALIBRATION_SAMPLES : CALIBRATION_SAMPLE);
}

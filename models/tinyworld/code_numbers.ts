import { family, int, type Writer } from "./code_piece.ts";

const range = (low: number, high: number) =>
  Array.from({ length: Math.max(0, high - low) }, (_, i) => low + i);
const gcd = (a: number, b: number): number => b === 0 ? a : gcd(b, a % b);
const digits = (n: number) => [...String(n)].map(Number);

/** Functions of whole numbers that loop or call themselves. */
export const NUMBERS: readonly Writer[] = [
  family(
    "sum_to|add_up_to|triangle|range_sum",
    "Sum of the numbers from 1 to {_n}.|Add up all numbers to {_n}.|1 + 2 + ... + {_n}",
    [int("_n", 2, 30)],
    "int",
    "{_total} = 0\nfor {_i} in range(1, {_n} + 1):\n    {_total} += {_i}\nreturn {_total}",
    ([n]) => n * (n + 1) / 2,
  ),
  family(
    "factorial|product_to",
    "Product of the numbers from 1 to {_n}.|Multiply all numbers up to {_n}.",
    [int("_n", 1, 8)],
    "int",
    "{_total} = 1\nfor {_i} in range(2, {_n} + 1):\n    {_total} *= {_i}\nreturn {_total}",
    ([n]) => range(1, n + 1).reduce((a, b) => a * b),
  ),
  family(
    "fact|factorial|fac",
    "Factorial, by calling itself.|A factorial without a loop.",
    [int("_n", 1, 8)],
    "int",
    "if {_n} < 2:\n    return 1\nreturn {_n} * {name}({_n} - 1)",
    ([n]) => range(1, n + 1).reduce((a, b) => a * b),
  ),
  family(
    "fibonacci|fib|rabbits",
    "The Fibonacci number at place {_n}.|Each number is the sum of the two before it.",
    [int("_n", 1, 20)],
    "int",
    "{_a}, {_b2} = 0, 1\nfor {_i} in range({_n}):\n    {_a}, {_b2} = {_b2}, {_a} + {_b2}\nreturn {_a}",
    ([n]) => range(0, n).reduce(([a, b]) => [b, a + b] as const, [0, 1] as readonly [number, number])[0],
  ),
  family(
    "gcd|common_divisor|greatest_divisor",
    "Greatest common divisor.|The largest number that divides both.|Euclid's rule.",
    [int("_a", 4, 144), int("_b2", 4, 144)],
    "int",
    "while {_b2} > 0:\n    {_a}, {_b2} = {_b2}, {_a} % {_b2}\nreturn {_a}",
    ([a, b]) => gcd(a, b),
  ),
  family(
    "lcm|common_multiple",
    "Least common multiple.|The smallest number that both divide.",
    [int("_a", 2, 24), int("_b2", 2, 24)],
    "int",
    "{_total} = {_a}\nwhile {_total} % {_b2} != 0:\n    {_total} += {_a}\nreturn {_total}",
    ([a, b]) => a * b / gcd(a, b),
  ),
  family(
    "digit_sum|sum_of_digits|cross_sum",
    "Add up the digits.|Sum of all digits of a number.",
    [int("_n", 10, 9999)],
    "int",
    "{_total} = 0\nwhile {_n} > 0:\n    {_total} += {_n} % 10\n    {_n} //= 10\nreturn {_total}",
    ([n]) => digits(n).reduce((a, b) => a + b),
  ),
  family(
    "count_digits|digit_count|places",
    "How many digits a number has.|Count the digits.",
    [int("_n", 1, 99999)],
    "int",
    "{_count} = 0\nwhile {_n} > 0:\n    {_n} = {_n} // 10\n    {_count} += 1\nreturn {_count}",
    ([n]) => digits(n).length,
  ),
  family(
    "reverse_digits|turn_around|mirror",
    "Write the digits backwards.|Turn a number around.",
    [int("_n", 12, 9998)],
    "int",
    "{_total} = 0\nwhile {_n} > 0:\n    {_total} = {_total} * 10 + {_n} % 10\n    {_n} //= 10\nreturn {_total}",
    ([n]) => Number(digits(n).reverse().join("")),
  ),
  family(
    "is_prime|prime|only_one_divisor",
    "Tell whether a number is prime.|True if nothing divides it.",
    [int("_n", 2, 120)],
    "bool",
    "for {_i} in range(2, {_n}):\n    if {_n} % {_i} == 0:\n        return False\nreturn True",
    ([n]) => range(2, n).every((i) => n % i !== 0),
  ),
  family(
    "divisors|all_divisors|factors",
    "List everything that divides a number.|All divisors in order.",
    [int("_n", 4, 60)],
    "list[int]",
    "{_out} = []\nfor {_i} in range(1, {_n} + 1):\n    if {_n} % {_i} == 0:\n        {_out}.append({_i})\nreturn {_out}",
    ([n]) => range(1, n + 1).filter((i) => n % i === 0),
  ),
  family(
    "power|raise_to|to_the_power",
    "Multiply a number by itself again and again.|A power by a loop.",
    [int("_n", 2, 9), int("_m", 1, 5)],
    "int",
    "{_total} = 1\nfor {_i} in range({_m}):\n    {_total} *= {_n}\nreturn {_total}",
    ([n, m]) => n ** m,
  ),
  family(
    "halvings|halve_until_one|count_halves",
    "How often a number can be halved.|Count the halvings down to 1.",
    [int("_n", 1, 999)],
    "int",
    "{_count} = 0\nwhile {_n} > 1:\n    {_n} //= 2\n    {_count} += 1\nreturn {_count}",
    ([n]) => Math.floor(Math.log2(n)),
  ),
  family(
    "years_until|days_to_reach|rounds_needed",
    "How long until the {item} reaches {_m}?|Count the steps up to {_m}.",
    [int("item", 1, 60), int("_m", 40, 300)],
    "int",
    "{_count} = 0\nwhile {item} < {_m}:\n    {item} += {k}\n    {_count} += 1\nreturn {_count}",
    ([n, m], { k }) => Math.max(0, Math.ceil((m - n) / k)),
  ),
  family(
    "countdown|go_down|steps_to_zero",
    "Numbers from {_n} down in steps of {k}.|Count down by {k}.",
    [int("_n", 5, 50)],
    "list[int]",
    "{_out} = []\nwhile {_n} > 0:\n    {_out}.append({_n})\n    {_n} -= {k}\nreturn {_out}",
    ([n], { k }) => range(0, Math.ceil(n / k)).map((i) => n - i * k),
  ),
  family(
    "multiples|times_table|row_of_{k}",
    "The first multiples of {k}.|Times table of {k}.",
    [int("_n", 2, 8)],
    "list[int]",
    "return [{k} * {_i} for {_i} in range(1, {_n} + 1)]",
    ([n], { k }) => range(1, n + 1).map((i) => i * k),
  ),
  family(
    "collatz|hailstone|steps_to_one",
    "Count the steps down to 1.|Halve even numbers, else triple and add 1.",
    [int("_n", 2, 40)],
    "int",
    "{_count} = 0\nwhile {_n} != 1:\n    if {_n} % 2 == 0:\n        {_n} //= 2\n    else:\n        {_n} = 3 * {_n} + 1\n    {_count} += 1\nreturn {_count}",
    ([n]) => {
      let steps = 0;
      for (; n !== 1; steps++) n = n % 2 === 0 ? n / 2 : 3 * n + 1;
      return steps;
    },
  ),
];

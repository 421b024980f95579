import { family, int, text, texts, type Value, type Writer } from "./code_piece.ts";
import { COLOURS, COUNTABLE, PEOPLE, THINGS } from "./words.ts";

const PLAIN = [...new Set([...COUNTABLE, ...COLOURS, ...THINGS])].filter((word) => /^[a-z]+$/.test(word));
const NAMED = PEOPLE.map(({ name }) => name);

const word = text(PLAIN);
const short = text(PLAIN.filter(({ length }) => length < 6));
const person = text(NAMED);
const list = texts(PLAIN);
const people = texts(NAMED);
const vowels = (s: string) => s.match(/[aeiou]/g)?.length ?? 0;
const reversed = (s: string) => [...s].reverse().join("");
const counts = <T>(items: readonly T[], key: (item: T) => string): Value => {
  const map = new Map<string, number>();
  for (const item of items) map.set(key(item), (map.get(key(item)) ?? 0) + 1);
  return map;
};

/** Functions of words, and of lists and dictionaries of words. */
export const TEXTS: readonly Writer[] = [
  family(
    "greet|hello|welcome",
    "Say hello.|Greet somebody by name.",
    [person],
    "str",
    'return "Hello, " + {_s} + "!"',
    ([s]) => `Hello, ${s}!`,
  ),
  family(
    "length|letters|size_of",
    "Number of letters.|How long is it?",
    [word],
    "int",
    "return len({_s})",
    ([s]) => s.length,
  ),
  family(
    "shout|loud|capitals",
    "Write it in capital letters.|Make it loud.",
    [word],
    "str",
    'return {_s}.upper() + "!"',
    ([s]) => s.toUpperCase() + "!",
  ),
  family(
    "ends|first_and_last|outer_letters",
    "First and last letter.|The two ends of it.",
    [word],
    "str",
    "return {_s}[0] + {_s}[-1]",
    ([s]) => s.slice(0, 1) + s.slice(-1),
  ),
  family(
    "repeat|echo|say_again",
    "Say it {_n} times.|Repeat it.",
    [word, int("_n", 2, 4)],
    "str",
    "return {_s} * {_n}",
    ([s, n]) => s.repeat(n),
  ),
  family(
    "shorten|start_of|cut",
    "The first {k} letters.|Cut it after {k} letters.",
    [word],
    "str",
    "return {_s}[:{k}]",
    ([s], { k }) => s.slice(0, k),
  ),
  family(
    "is_long|too_long|longer_than_{k}",
    "Has it more than {k} letters?|True above {k} letters.",
    [word],
    "bool",
    "return len({_s}) > {k}",
    ([s], { k }) => s.length > k,
  ),
  family(
    "backwards|reverse_text|mirror",
    "Read it backwards.|Reverse the letters.",
    [word],
    "str",
    "return {_s}[::-1]",
    ([s]) => reversed(s),
  ),
  family(
    "turn|flip|spell_back",
    "Build it from the last letter on.|The letters in reverse.",
    [word],
    "str",
    '{_out} = ""\nfor {_ch} in {_s}:\n    {_out} = {_ch} + {_out}\nreturn {_out}',
    ([s]) => reversed(s),
  ),
  family(
    "count_vowels|vowels|soft_letters",
    "Count the vowels.|How many letters are vowels?",
    [word],
    "int",
    '{_count} = 0\nfor {_ch} in {_s}:\n    if {_ch} in "aeiou":\n        {_count} += 1\nreturn {_count}',
    ([s]) => vowels(s),
  ),
  family(
    "drop_vowels|no_vowels|bones",
    "Leave out the vowels.|Only consonants stay.",
    [word],
    "str",
    '{_out} = ""\nfor {_ch} in {_s}:\n    if {_ch} not in "aeiou":\n        {_out} += {_ch}\nreturn {_out}',
    ([s]) => s.replace(/[aeiou]/g, ""),
  ),
  family(
    "same_ends|begins_as_it_ends",
    "Does it begin as it ends?|Compare both ends.",
    [word],
    "bool",
    "return {_s}[0] == {_s}[-1]",
    ([s]) => s.at(0) === s.at(-1),
  ),
  family(
    "label_of|tag|with_number",
    "A name with a number.|Join a word and a number.",
    [word, int("_n", 1, 99)],
    "str",
    'return {_s} + "-" + str({_n})',
    ([s, n]) => `${s}-${n}`,
  ),
  family(
    "spell|letter_by_letter|spread_out",
    "Spell it with dashes.|A dash between all letters.",
    [short],
    "str",
    'return "-".join({_s})',
    ([s]) => [...s].join("-"),
  ),
  family(
    "join_{_words}|in_a_row|glue",
    "Join all with commas.|One text of many.",
    [list],
    "str",
    'return ", ".join({_words})',
    ([l]) => l.join(", "),
  ),
  family(
    "longest|longest_of|long_one",
    "The longest one.|Find the one with most letters.",
    [list],
    "str",
    '{_best} = ""\nfor {_s} in {_words}:\n    if len({_s}) > len({_best}):\n        {_best} = {_s}\nreturn {_best}',
    ([l]) => l.reduce((best, s) => s.length > best.length ? s : best, ""),
  ),
  family(
    "sort_{_words}|by_alphabet|in_order",
    "In the order of the alphabet.|Sort by letters.",
    [people],
    "list[str]",
    "return sorted({_words})",
    ([l]) => [...l].sort(),
  ),
  family(
    "lengths|sizes|letters_each",
    "The length of each one.|How long they all are.",
    [list],
    "list[int]",
    "return [len({_s}) for {_s} in {_words}]",
    ([l]) => l.map((s) => s.length),
  ),
  family(
    "initials|first_letters|short_form",
    "The first letter of each.|Initials in a row.",
    [people],
    "str",
    '{_out} = ""\nfor {_s} in {_words}:\n    {_out} += {_s}[0]\nreturn {_out}',
    ([l]) => l.map((s) => s[0]).join(""),
  ),
  family(
    "longer_than|keep_long|only_long",
    "Those with more than {k} letters.|Keep the long ones.",
    [list],
    "list[str]",
    "return [{_s} for {_s} in {_words} if len({_s}) > {k}]",
    ([l], { k }) => l.filter((s) => s.length > k),
  ),
  family(
    "count_{_words}|tally_up|how_often",
    "Count how often each one comes.|A table of counts.",
    [texts(PLAIN.slice(0, 12), "_words", 3, 4)],
    "dict[str, int]",
    "{_d} = {}\nfor {_s} in {_words}:\n    if {_s} in {_d}:\n        {_d}[{_s}] += 1\n    else:\n        {_d}[{_s}] = 1\nreturn {_d}",
    ([l]) => counts(l, (s) => s),
  ),
  family(
    "by_first_letter|group_letters",
    "Count by first letter.|How many begin with each letter?",
    [people],
    "dict[str, int]",
    "{_d} = {}\nfor {_s} in {_words}:\n    {_d}[{_s}[0]] = {_d}.get({_s}[0], 0) + 1\nreturn {_d}",
    ([l]) => counts(l, (s) => s.slice(0, 1)),
  ),
  family(
    "count_letters|letter_table",
    "Count each letter.|A table of the letters.",
    [short],
    "dict[str, int]",
    "{_d} = {}\nfor {_ch} in {_s}:\n    {_d}[{_ch}] = {_d}.get({_ch}, 0) + 1\nreturn {_d}",
    ([s]) => counts([...s], (ch) => ch),
  ),
  family(
    "place_in|find_{_s}|position_of",
    "Where it stands in the list, or -1.|Search from the start.",
    [texts(PLAIN.slice(0, 20)), text(PLAIN.slice(0, 20))],
    "int",
    "for {_i} in range(len({_words})):\n    if {_words}[{_i}] == {_s}:\n        return {_i}\nreturn -1",
    ([l, s]) => l.indexOf(s),
  ),
  family(
    "number_{_words}|numbered|list_all",
    "Number them from 1 on.|A number before each one.",
    [list],
    "list[str]",
    '{_out} = []\n{_n} = 1\nfor {_s} in {_words}:\n    {_out}.append(str({_n}) + " " + {_s})\n    {_n} += 1\nreturn {_out}',
    ([l]) => l.map((s, i) => `${i + 1} ${s}`),
  ),
];

/**
 * 300 texts to tokenize, the same in any run: what people write, and what breaks patterns.
 *
 * @module
 */
import { Lcg } from "./lcg.ts";

const WRITTEN: readonly string[] = [
  "Once upon a time there was a little king.",
  "The capital of France is",
  "HELLO World, this is ALL CAPS and camelCase and snake_case_name and kebab-case.",
  "don't DON'T can't I'll I'LL we've WE'VE they're it's IT'S she'd 'tis 'Twas o'clock rock'n'roll",
  "1 12 123 1234 12345 123456 1234567 3.14159 1,000,000 -42 +7 1e-10 0xFF 50% $9.99 №5 ½ ¼ ² ³ Ⅷ ١٢٣ १२३ ௧௨௩",
  "one  two   three    four     five      six       seven        eight",
  "tabs\tand\t\tmore\t\t\ttabs, \t mixed \t with spaces",
  "line\nline\n\nline\n\n\nline\n\n\n\n\nline\r\nline\r\n\r\nline\r",
  "  leading spaces",
  "trailing spaces  ",
  " \n \n \n",
  "\n\n\n\n",
  " ",
  "   ",
  "\t",
  "a",
  "é",
  "e\u0301 cafe\u0301 cafés naïve Zoë coöperate",
  "Ça va ? Très bien, merci ! « Où est l'école ? » Noël, œuvre, ÉCOLE, àéîõü",
  "Größe, Straße, Übermut, ẞ, Äpfel – „Anführung“ … und so weiter.",
  "Привет, мир! Как дела? ЁЛКА ёлка объём",
  "Γειά σου Κόσμε, Ελληνικά ΑΒΓ αβγ ς",
  "你好，世界！今天天气怎么样？我们去公园吧。",
  "繁體中文也要測試，「引號」與《書名》。",
  "こんにちは、世界。カタカナとひらがなと漢字。ﾊﾝｶｸ",
  "안녕하세요 세계! 한국어 텍스트입니다.",
  "مرحبا بالعالم! كيف حالك؟ ١٢٣٤",
  "שלום עולם! מה שלומך?",
  "नमस्ते दुनिया! आप कैसे हैं?",
  "สวัสดีชาวโลก ภาษาไทยไม่มีช่องว่าง",
  "Xin chào thế giới! Tiếng Việt có dấu.",
  "Türkçe: İstanbul, ığdır, şöyle, ĞÜŞİÖÇ",
  "😀 😃👍🏽 👨‍👩‍👧‍👦 🦕🇫🇷🏳️‍🌈 ❤️ ☕️",
  "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, ∑_{i=1}^{n} i² ≠ √2 · π ≈ 3.14",
  "𝕳𝖊𝖑𝖑𝖔 𝒲𝑜𝓇𝓁𝒹 𐐀𐐨 𠀀𠀁",
  "def f(x: int) -> int:\n    return x ** 2  # square\n\n\nclass A(B):\n\tpass\n",
  "function f(a, b) { return a === b ? `x${a}` : /re\\d+/g.test(b); } // ok",
  "#include <stdio.h>\nint main(void) {\n\tprintf(\"%d\\n\", 42);\n\treturn 0;\n}\n",
  "<html><body class=\"a b\">&amp;&lt;<br/></body></html>",
  '{"key": [1, 2.5, null, true], "nested": {"a": "b\\n"}}',
  "SELECT * FROM t WHERE a >= 10 AND b <> 'x' -- comment",
  "https://example.org/path/to?query=1&other=%20x#frag mail@example.com",
  "C:\\Users\\name\\file.txt /usr/local/bin ../../x ~/.bashrc",
  "| a | b |\n|---|:-:|\n| 1 | 2 |\n\n- [x] done\n* **bold** _it_ `code`\n> quote\n1. one",
  "!!!???...,,,;;;:::---___===+++***///\\\\\\|||~~~```^^^&&&%%%$$$###@@@",
  "(((())))[[[]]]{{{}}}<<<>>>\"\"\"'''",
  "a.b,c;d:e!f?g-h_i=j+k*l/m\\n|o~p`q^r&s%t$u#v@w",
  "\u00a0non\u00a0breaking\u2003em\u2009thin\u3000ideographic\u200bzero\u200djoiner\u2028line",
  "x\u0085next line\u000bvertical\u000cform",
  "\u0001\u0002\u001b[31mred\u001b[0m\u007f",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "                                                                ",
  "................................................................",
  "========================================",
  "supercalifragilisticexpialidocious antidisestablishmentarianism Donaudampfschifffahrtsgesellschaft",
  "ﬁ ﬂ ﬀ ① ② ㎏ ™ ® © ℃ Å K ǅ ʰ",
  "▁▁under ▁ bar▁",
  "Ġ byte Ċ names Â ā",
  "İi̇ ı ſ ß ẞ ŉ ǰ",
  "0.1+0.2=0.30000000000000004",
];

const PARTS: readonly string[] = [
  ...["the", "King", "said", "WORLD", "once", "é", "日本", "語", "кот", "ΩΩ", "na\u0308", "x", "_", "'s", "'T", "’s"],
  ...["1", "42", "2026", "٣", "½", "²", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", " \n"],
  ...[".", ",", "...", "!", "?!", "(", ")", "[]", "{", "}", "<", ">", "/", "\\", "=", "==", "->", "#", "$", "%", "&"],
  ...["@", "*", "**", "~", "^", "|", "`", "```", '"', "“", "”", "–", "—", "…", "€", "°", "+", "-", "--", ":", ";"],
  ...["😀", "👍🏽", "👩‍💻", "🇩🇪", "\u0301", "\u200b", "ﬁ", "ǅ", "ʰ", "ऀ", "हि", "ไทย", "한", "م", "ש", "𝕏"],
];

/** The texts. */
export function texts(): string[] {
  const lcg = new Lcg(300);
  const pick = (n: number) => Math.floor(lcg.next() * n);
  const random = Array.from(
    { length: 300 - WRITTEN.length },
    () => Array.from({ length: 2 + pick(14) }, () => PARTS[pick(PARTS.length)]).join(""),
  );
  return [...WRITTEN, ...random];
}

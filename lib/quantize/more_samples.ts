/**
 * More text to calibrate with, for methods that look at pairs of columns: one short sample says too little about those.
 *
 * @module
 */

/** Texts of many kinds, each from its own start. */
export const MORE_SAMPLES: readonly string[] = [
  `Nobody had opened the attic since the winter when Grandfather sold the horses. Mira pushed the hatch with both hands, \
and dust came down on her hair like flour. Between two trunks stood a clock without hands. "It only needs winding," said \
her brother, who had read a book about clocks, or at least the pictures in one. They turned the key. Somewhere inside, a \
spring remembered what it was for. The clock struck eleven, then twelve, then thirteen, and in the garden below every \
light went out. "You counted as well?" Mira whispered. He nodded. They did not tell anyone that evening, and in the \
morning the trunks were empty, though neither of them could say what had been there before.

The old ferryman charged by the story. A short one took you as far as the sandbank; for the other shore he wanted one \
with a wedding, a lie, and somebody who comes back. Students paid with jokes and got wet feet. My aunt, who crossed twice \
a week to sell eggs, had been telling him the same tale in pieces for nineteen years, and she was careful never to let \
the princess marry, because then she would have to walk round by the bridge.`,
  `# Release notes

## 2.4.0

- \`parse(text, options)\` accepts an \`encoding\`; it was always UTF-8 before.
- Fixed: a trailing comma in a nested list was read as an empty value.
- Removed: \`parseSync\`. Use \`parse\`, which no longer returns a promise.

\`\`\`json
{ "name": "example", "version": "2.4.0", "files": ["dist/*.js", "README.md"], "private": false, "retries": 3 }
\`\`\`

To upgrade, run \`npm install example@2.4.0\` and replace every call of the removed function. If you see the error \
"unexpected token at line 3, column 14", check that the file does not begin with a byte order mark.

| option | type | default |
|---|---|---|
| encoding | string | "utf-8" |
| strict | boolean | false |
| limit | number | 1000 |`,
  `import { createServer } from "node:http";

const routes = new Map();

export function route(path, handler) {
  if (routes.has(path)) throw new Error(\`\${path} is taken\`);
  routes.set(path, handler);
}

route("/health", () => ({ status: 200, body: "ok" }));

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const handler = routes.get(pathname);
  const { status, body } = handler ? await handler(searchParams) : { status: 404, body: "not found" };
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(body);
}).listen(8080);

/* SQL of the report */
// SELECT city, COUNT(*) AS orders, SUM(price * amount) AS total
//   FROM orders JOIN customers ON customers.id = orders.customer_id
//  WHERE ordered_at >= '2023-01-01' GROUP BY city HAVING COUNT(*) > 10 ORDER BY total DESC LIMIT 20;

struct Node { int key; struct Node *left, *right; };

static int depth(const struct Node *node) {
    if (node == NULL) return 0;
    int left = depth(node->left), right = depth(node->right);
    return 1 + (left > right ? left : right);
}`,
  `Question: A baker makes 7 trays of 18 rolls before breakfast and 5 trays of 24 rolls after it. She sells all but 29. How \
many rolls does she sell?
Answer: Before breakfast she makes 7 * 18 = 126 rolls, and after it 5 * 24 = 120. Together that is 126 + 120 = 246. She \
sells 246 - 29 = 217 rolls. The answer is 217.

Question: A rectangle is three times as long as it is wide, and its perimeter is 96 cm. What is its area?
Answer: Let the width be w. The perimeter is 2 * (w + 3w) = 8w = 96, so w = 12 and the length is 36. The area is \
12 * 36 = 432 square centimetres.

Proof. Suppose that the square root of 2 is p/q in lowest terms. Then p^2 = 2 q^2, so p is even, say p = 2r. It follows \
that 4 r^2 = 2 q^2, hence q^2 = 2 r^2, and q is even as well, which contradicts the choice of p and q. QED.

1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377; 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47; 3.14159, \
2.71828, 1.41421, -273.15, 6.022e23, 0.5%, 1/3, $1,250.00, 12:45, 2024-02-29.`,
  `The heart of a mammal has four chambers. Blood low in oxygen enters the right atrium, passes into the right ventricle and \
is pumped to the lungs; it returns to the left atrium, and the left ventricle, whose wall is the thickest, sends it to the \
rest of the body. Valves between the chambers keep it from flowing back. At rest an adult's heart beats about seventy times \
a minute, which comes to more than two and a half billion beats in a long life.

Photosynthesis takes place in two stages. In the first, light splits water, oxygen is released, and energy is stored in \
ATP and NADPH. In the second, known as the Calvin cycle, that energy turns carbon dioxide into sugar. Plants in hot, dry \
places open their pores only at night, and keep the carbon dioxide in acids until the sun rises.

The Hanseatic League was a network of merchant guilds and market towns in northern Europe. From the thirteenth to the \
fifteenth century it controlled most trade along the coasts of the Baltic and the North Sea: grain, timber, furs, wax, \
salted herring, cloth. It had no army of its own and no permanent officials, yet it fought a war against Denmark and won. \
Lübeck was its leading city; Novgorod, Bergen, Bruges and London had its largest offices.`,
  `User: My basil keeps dying on the windowsill. What am I doing wrong?
Assistant: Most likely one of three things. First, water: basil wilts when it is dry, but rots when it stands in water, so \
let the top centimetre of soil dry out before you water again. Second, crowding: pots from a supermarket hold twenty or \
more seedlings that compete for light; divide them into three or four pots. Third, cold: below ten degrees the leaves turn \
black. Which of these sounds like yours?
User: Definitely the second. Do I need special soil?
Assistant: No. Any potting mix that drains well is fine. Handle the roots gently, water once after dividing, and keep the \
plants out of full sun for two days. Pinch off the top pair of leaves every week or so; it makes them bushy.
User: thanks!! and can i freeze the leaves
Assistant: Yes. Chop them, cover them with olive oil in an ice-cube tray, and freeze. They keep their taste for about six \
months.

Dear Ms Okafor,

Thank you for your letter of 3 March. I am sorry to hear that the second parcel arrived damaged. We have asked the carrier \
for a report and will send you a replacement free of charge by the end of next week; you need not return the broken items. \
If you would rather have your money back, please let me know.

Yours sincerely,
Jonas Brandt, Customer Service`,
  `LONDON - Shares in the country's largest supermarket chain fell 4.2 percent on Thursday after it warned that higher wages \
and energy bills would weigh on profits next year. Sales in the thirteen weeks to November 25 rose 3.1 percent, slightly \
less than analysts had expected. "Customers are watching every penny," the chief executive said. The company still plans to \
open 40 stores and will keep its dividend unchanged.

The visitors took the lead against the run of play in the 23rd minute, when a corner from the left was headed in at the far \
post. They should have had a second before the break, but the captain hit the bar from six yards. After an hour the coach \
brought on two forwards, and within ten minutes the score was 2-1. "We stopped being afraid of the ball," he said.

Forecasters expect heavy rain in the north from Friday evening, with up to 60 millimetres on high ground. Flood warnings are \
in place for nine rivers. Rail passengers are advised to check before they travel; buses replace trains between Carlisle \
and Hexham until Monday. It will be drier and brighter in the south, with highs of 14 degrees.`,
  `Die Werkstatt lag hinter dem Bahnhof, und wer sie suchte, ging am besten dem Geruch von Leim und Holz nach. Frau Albers \
reparierte Geigen, aber auch Stühle, wenn es regnete.

Le marché ouvre à sept heures. On y trouve des fromages de chèvre, du miel, des tomates anciennes et, le samedi, un homme \
qui aiguise les couteaux. Il ne parle presque jamais, mais il chante.

El río baja crecido desde el martes. Los niños miran desde el puente cómo pasan las ramas, una silla, tres naranjas. \
Nadie sabe de dónde vienen las naranjas.

La biblioteca chiude alle sei; chi vuole restare più a lungo deve chiedere la chiave al custode. Biblioteket ligger ved \
torvet. Библиотека открыта каждый день, кроме понедельника. 図書館は駅の近くにあります。图书馆在学校旁边。

Roasted carrots with yoghurt. Serves 4. 800 g carrots, 2 tbsp olive oil, 1 tsp cumin seeds, 200 g yoghurt, half a lemon, a \
handful of parsley, salt. Heat the oven to 220 °C. Halve the carrots lengthwise, toss them with oil, cumin and salt, and \
roast for 30 minutes, turning once. Stir lemon juice and a pinch of salt into the yoghurt, spread it on a plate, put the \
carrots on top, and finish with parsley. Good with flat bread; better the next day.`,
];

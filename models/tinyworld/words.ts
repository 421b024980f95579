/** Words and names that more than one kind of text draws from. */

/** A person as grammar needs them. */
export interface Person {
  readonly name: string;
  readonly he: string;
  readonly him: string;
  readonly his: string;
  readonly child: string;
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const phrases = (text: string): readonly string[] => text.trim().split(/\s*,\s*/);

const GIRLS = words(`
  Anna Bella Clara Daisy Emma Fiona Grace Hannah Ida Julia Kate Lily Mia Nora Olive Penny Rosa Sara Tilda Vera Wendy
  Zoe Alma Betty Cora Dora Elsa Freya Gina Holly Iris June Lena Maya Nina Ruth Stella Tessa Una Ella Agnes Bridget
  Carmen Dinah Edith Flora Greta Hazel Ingrid Jana Kira Lucy Martha Nadia Opal Paula Renata Sophie Thea Ursula Violet
  Willa Yvonne Zelda Amelia Bonnie Celia Delia Esther Faith`);
const BOYS = words(`
  Adam Ben Carl David Eli Finn George Henry Ivan Jack Karl Leo Max Noah Oscar Paul Ralph Sam Tom Victor Will Zack Alan
  Bruno Colin Dan Erik Felix Gus Hugo Ian Jonas Kevin Luke Mark Nick Otto Peter Rob Simon Arthur Basil Casper Dominic
  Edgar Frank Gregor Harold Isak Julian Konrad Leon Magnus Nathan Olaf Philip Quentin Roman Stefan Theo Ulrich Vincent
  Walter Xavier Yorick Albert Boris Cyril Dennis Emil Fred`);

const person = (female: boolean) => (name: string): Person =>
  female
    ? { name, he: "she", him: "her", his: "her", child: "girl" }
    : { name, he: "he", him: "him", his: "his", child: "boy" };

/** Everybody who may walk through a story, a sum or the news. */
export const PEOPLE: readonly Person[] = [...GIRLS.map(person(true)), ...BOYS.map(person(false))];

/** Family names. */
export const SURNAMES = words(`
  Abbot Baker Carver Dale Ember Fisher Gray Hill Irving Jordan Kerr Lane Miller North Osborn Parker Quill Reed Stone
  Turner Usher Vale Weaver York Archer Bishop Cooper Drake Ellis Foster Glover Harper Marsh Potter Rowe Sharp Thorn
  Walker Webb Wood Ashby Barlow Croft Dunham Everett Fielding Garrick Holt Ingram Jarvis Kendall Lockwood Mercer
  Nolan Oakley Prescott Quincy Radley Selby Tilney Underhill Vickers Whitlock Yardley Alder Brand Colby Dorset Egan
  Farrell Gantry Hobbs Isham Joyner Kemp Lorimer Moss Nash Orwell Pickett Rusk Stroud Tate Upton Vance Wyatt`);

/** The days of the week, Monday first. */
export const WEEKDAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday");

/** The months of the year. */
export const MONTHS = words(
  "January February March April May June July August September October November December",
);

/** The day `later` days after weekday number `day`. */
export function weekday(day: number, later = 0): string {
  return WEEKDAYS[(day + later) % 7] as string;
}

/** Colours of things. */
export const COLOURS = words("red blue green yellow white black brown purple orange silver gold pink");

/** Things that can be held, moved and owned. */
export const THINGS = words(`
  kite lantern boat drum scarf box ball hat book flute basket blanket bell bicycle umbrella map wagon cup ring spoon
  coat mirror ladder whistle feather candle bucket marble puppet pencil glove violin ribbon jar sled telescope chair
  table lamp clock key lock rope net hook anchor oar sail barrel crate sack bag purse wallet coin medal crown sword
  shield bow arrow helmet boot shoe sock belt button needle thread pillow curtain carpet broom brush comb soap towel
  bottle glass plate bowl knife fork pan pot kettle oven stove hammer nail saw axe shovel rake plough wheel cart
  saddle bridle whip hive cage nest egg shell stone pebble brick plank log branch stick leaf flower rose tulip seed
  acorn nut apple pear plum cherry lemon melon pumpkin carrot onion cabbage loaf cake pie cheese sausage fish ham
  letter envelope stamp parcel newspaper notebook diary poster painting photograph camera radio piano guitar trumpet
  harp organ bench stool desk shelf drawer cupboard trunk chest suitcase tent flag banner torch match pipe compass
  watch magnet lens globe ruler scale rod reel bait trap collar leash bone toy doll puzzle card dice board
  top hoop swing balloon bubble mask costume wig fan shawl cloak gown apron veil bracelet necklace brooch pearl ruby
  emerald crystal vase statue carving tile ticket receipt bill contract certificate engine pump motor gear spring
  screw bolt wire cable battery switch valve hose tap sink bathtub sponge bandage pill spade wheelbarrow fence gate
  doorknob window chimney snowball icicle raft canoe paddle mast rudder wreath garland bouquet tray teapot
  napkin corkscrew sieve funnel jug mug thimble spool loom anvil bellows chisel file drill tongs stencil easel palette`);

/** Things that are counted in sums and in code. */
export const COUNTABLE: readonly string[] = words(
  `apple pear plum egg book pencil coin button shell stone cup plate candle marble stamp ticket cake nail brick basket
  flower card leaf loaf fish key hat bottle chair balloon ribbon ring sock spoon melon carrot onion pebble postcard seed
  tile bead acorn feather cherry lemon muffin cookie sticker bolt`,
);

/** Animals. */
export const ANIMALS = words(`
  fox dog cat goat owl rabbit pony duck hedgehog donkey crow mouse lamb squirrel frog goose badger deer turtle parrot
  hen swan otter calf horse cow pig sheep rooster pigeon sparrow robin eagle hawk heron stork crane seagull raven bat
  mole hare weasel beaver wolf bear lynx boar moose elk seal dolphin whale crab lobster snail beetle spider bee wasp
  butterfly cricket toad lizard snake camel monkey tiger lion elephant peacock turkey ferret magpie`);

/** What people do for a living, and who they are. */
export const ROLES = words(`
  baker farmer fisherman miller sailor carpenter blacksmith tailor weaver potter painter teacher doctor nurse judge
  lawyer mayor soldier guard captain pilot driver porter clerk merchant trader butcher cook waiter gardener shepherd
  hunter miner mason plumber builder engineer inventor scientist writer poet singer dancer actor musician drummer
  juggler clown magician king queen prince princess knight squire monk nun priest bishop beggar thief pirate smuggler
  spy detective reporter editor printer librarian student professor coach runner swimmer rider wrestler cousin
  neighbour stranger traveller widow grandmother grandfather aunt uncle watchmaker cobbler barber beekeeper innkeeper
  lighthouse-keeper ferryman postman messenger tutor apprentice`);

/** Where things happen. */
export const PLACES = words(`
  bridge orchard well barn tower pond mill market cave beach field garden path wall lake station harbour windmill castle
  waterfall hill forest fountain kitchen cellar attic stable bakery library school church square street alley tunnel
  canal river stream meadow valley cliff island lighthouse boathouse workshop tavern inn shop bank museum theatre
  hospital prison palace court temple farm vineyard quarry mine furnace factory warehouse dock pier ferry railway
  platform crossroads graveyard park playground stadium circus fair campsite cottage hut cabin hall staircase balcony
  roof courtyard greenhouse swamp desert glacier volcano jungle lagoon reef dune ravine gorge ridge summit clearing
  hedge ditch dam mansion monastery academy laboratory observatory`);

/** What the sky and the land do things with. */
export const NATURE = words(`
  wind rain moon sun snow fog mist storm thunder lightning frost dew cloud star rainbow breeze tide wave stream fire
  smoke shadow echo silence dusk dawn night morning heat cold ice grass dust ash light darkness`);

/** What is eaten, as a whole phrase. */
export const MEALS = phrases(`
  warm bread, apple pie, hot soup, honey cake, cheese and pears, fresh plums, a bowl of berries, pancakes, roast potatoes,
  ginger biscuits, corn on the cob, cherry jam, boiled eggs, nut cake, sweet rice, baked apples, bean stew, a bag of nuts,
  smoked fish, cold milk, onion tart, fried mushrooms, a slice of melon, lemon cake, mutton stew, pea soup, dark chocolate,
  grilled trout, toast with butter, porridge, dried figs, pickled herring, spinach pie, fish soup, goat cheese, sausages,
  carrot salad, cold ham, plum dumplings, rye bread, roast chestnuts, barley broth, a pot of tea, cream cakes`);

/** What things are made of. */
export const MATERIALS = words(`
  wood iron glass paper silver gold copper brass clay stone bone leather wool cotton silk linen straw wax tin lead steel
  marble ivory amber horn velvet felt canvas rubber bamboo oak pine cork slate chalk plaster porcelain bronze`);

/** How things look and are. */
export const THING_ADJECTIVES = words(`
  old new big small heavy light broken wooden golden silver shiny dusty dirty clean soft hard round square long short
  thin thick sharp dull bright dark pale red blue green yellow white black brown purple orange pink striped spotted
  painted carved rusty cracked empty full open closed hidden lost stolen borrowed precious cheap expensive strange
  common rare beautiful ugly simple fine rough smooth wet dry warm cold hot frozen burnt torn patched folded crooked
  straight hollow solid narrow wide deep shallow loud quiet magic ancient modern foreign royal holy secret useful
  useless perfect ruined polished sticky slippery fragile sturdy enormous tiny delicious bitter sweet sour ripe rotten`);

/** How people and animals are. */
export const PERSON_ADJECTIVES = words(`
  brave curious quiet clever kind careful cheerful shy patient stubborn lively honest gentle dreamy proud busy polite
  restless thoughtful funny happy sad angry tired hungry thirsty sleepy lonely jealous greedy generous lazy loyal wise
  foolish nervous calm worried frightened excited bored grateful hopeful silent noisy clumsy graceful strong weak fat
  thin tall short young old rich poor famous unknown blind deaf lame bold timid cruel merciful rude grumpy merry
  serious suspicious trusting sly simple modest vain ambitious humble eager reluctant confused surprised relieved
  homesick seasick injured healthy ill pale rosy bearded`);

/** How places are. */
export const PLACE_ADJECTIVES = words(`
  old empty quiet dark deep narrow broken frozen snowy green sunny windy rocky sandy muddy steep hidden distant lonely
  crowded noisy busy ruined abandoned haunted famous sacred royal little great high low wide long stony misty shady
  wild peaceful dangerous forgotten northern southern eastern western upper lower flooded burnt golden silver ancient
  new ugly beautiful secret holy private public`);

/** What people do to things. */
export const HANDLE = words(`
  carry lift drop hide find lose buy sell paint clean mend break borrow steal lend show want keep give throw catch push
  pull wrap polish weigh hold take bring fetch drag roll kick hit touch smell taste shake turn open close lock tie
  untie cut tear fold burn bury dig fill empty wash dry hang collect gather choose trade offer return send receive
  forget remember need like hate admire examine measure count draw copy build repair invent design decorate destroy
  protect guard save share wear try use test deliver load unload stack scatter crush squeeze scratch sharpen balance`);

/** How people and animals get about. */
export const MOVE = words(`
  walk run go come jump climb crawl swim ride sail row march wander stroll hurry rush race creep sneak slip slide fall
  stumble limp skip hop dance fly float drift travel return arrive escape flee wait stand sit lie sleep rest hide stay
  stop kneel lean work play sing whistle cry laugh dream shiver`);

/** What the sky and the land do. */
export const HAPPEN = words(`
  rise fall grow fade shine glow sparkle vanish return spread roll drift creep settle gather break burst roar howl
  whisper sing sigh tremble wait linger come go pass turn sweep pour drip flow freeze melt burn sink hang dance`);

/** How something is said. */
export const SAY = words(`
  say ask answer whisper shout reply murmur cry call mutter laugh add explain promise warn complain announce admit
  suggest insist repeat declare boast agree`);

/** How something is done. */
export const ADVERBS = words(`
  slowly quickly quietly loudly softly gently carefully carelessly happily sadly angrily proudly bravely eagerly lazily
  nervously calmly suddenly finally secretly openly easily barely nearly always never often seldom twice once again
  together alone early late today everywhere nowhere outside inside upstairs downstairs backwards forwards sideways
  politely rudely kindly cruelly wisely foolishly patiently anxiously warmly coldly brightly dimly silently noisily
  badly well hard fast`);

/** Where something is done, before a place. */
export const PREPOSITIONS = words(
  "near behind beside under above across along toward past through around inside outside beyond opposite below to from",
);

/** When, at the start of a sentence or at its end. */
export const TIMES = phrases(`
  in the morning, at noon, in the evening, at night, before breakfast, after dinner, at dawn, at dusk, the next day,
  a week later, that afternoon, in the spring, in the summer, in the autumn, in the winter, after the rain,
  before the storm, on the way home, at the same hour, for a long time, for an hour, all day long, every year,
  once a week, after school, at midnight, for three days, during the war, since the flood, until the evening`);

/** What stories and reports turn about: each has its own likely words. */
export const TOPICS = words(
  `sea farm forest school war music kitchen journey winter market palace railway river theatre mountain harvest ghost
  treasure illness wedding invention garden theft sport`,
);

/** What the news trade in and argue about. */
export const GOODS = words(`
  flour milk wood coal salt cheese cloth paper wheat rice barley oats corn potatoes beans grapes olives tea cotton
  sugar onions cherries iron copper tin silver gold lead zinc nickel oil wool leather glass bricks cement timber furniture
  machines engines bicycles ships boats books newspapers medicines seeds horses cattle sheep pigs chickens eggs butter
  honey wine beer cider coffee cocoa spices candles soap shoes hats coats carpets pottery tools weapons jewels watches
  cameras radios instruments toys tickets stamps`);

/** Bodies that act in the news. */
export const INSTITUTIONS = words(`
  government council parliament ministry court police army navy university hospital school museum library theatre
  orchestra bank exchange railway port airport factory mine shipyard brewery bakery union party church club team
  academy embassy newspaper publisher laboratory observatory zoo company cooperative guild committee commission senate
  treasury customs-office post-office weather-office fire-brigade coast-guard water-board city-hall`);

/** What bodies do to plans and things. */
export const ACTS = words(`
  buy sell build close open repair examine reject accept support oppose delay cancel announce plan finance tax ban allow
  import export produce store test promise increase reduce inspect defend criticize praise replace extend restore move
  rent lease insure count measure publish hide lose find discuss welcome protect`);

/** What bodies act upon. */
export const MATTERS = words(`
  bridge law tax treaty budget contract railway harbour canal dam road tunnel school hospital museum library theatre
  stadium market factory mine power-station lighthouse monument palace park garden prison fleet army census election
  festival exhibition expedition survey report plan project programme strike loan pension wage price tariff licence
  permit subsidy award prize reform merger auction concert match race trial inquiry campaign reserve`);

/** How bodies and matters are called. */
export const NEWS_ADJECTIVES = words(`
  new old national local foreign public private royal central northern southern eastern western former famous small
  large expensive cheap controversial popular unpopular secret independent annual emergency military naval civil legal
  illegal modern ancient damaged unfinished planned promised doubtful successful failed record early late temporary
  permanent joint rival`);

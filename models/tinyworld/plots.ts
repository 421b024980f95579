/** A plot: its title, its beats (each with several wordings) and what it teaches. */
export interface Plot {
  readonly title: string;
  readonly beats: readonly (readonly string[])[];
  readonly moral: string;
}

/** The plots of the stories. Slots come from the cast in fiction.ts, `[a|b]` are choices. */
export const PLOTS: readonly Plot[] = [
  {
    title: "The Lost {Thing}",
    beats: [
      [
        "One [morning|day|afternoon] {hero} could not find {his} {colour} {thing}.",
        "{hero} owned a {colour} {thing}, and {he} took it everywhere. One [morning|day] it was gone.",
        "One windy day {hero} looked under the bed, but the {colour} {thing} was not there.",
      ],
      [
        '{He} asked {his} friend {friend}. "[I saw it near|Perhaps you left it at|Did you look by] {spot}," {fhe} said.',
        '{He} ran to {friend} and [told {fhim} everything|asked for help]. "[Do not worry|Dry your tears|Be calm]," said {friend}. "We will find it."',
      ],
      [
        "They looked at {second} first, but they found only [an old shoe|a rusty nail|three feathers|some leaves].",
        "First they searched {second}. There was nothing [there|but dust|but a sleeping {animal}].",
      ],
      [
        "Then they went to {spot}. There sat a {animal}, and beside it lay the {colour} {thing}.",
        "At last they came to {spot}. A {animal} was [sitting on|playing with|guarding] the {colour} {thing}.",
      ],
      [
        "{hero} gave the {animal} some of {his} [bread|lunch|food], and the {animal} [let the {thing} go|ran away|stepped aside].",
        '"Thank you for keeping it safe," {hero} told the {animal}. {He} picked up the {thing} and [hugged it|held it tight|danced].',
      ],
    ],
    moral: "A friend who helps you look is worth more than the thing you lost.",
  },
  {
    title: "The Storm",
    beats: [
      [
        "One [evening|night] a great storm came over {spot}. The rain [fell hard|beat on the windows] and the wind [howled|broke the branches].",
        "One day the sky turned black. [Thunder rolled|Lightning flashed] over {spot}, and everyone ran inside.",
      ],
      [
        "{hero} heard a [small cry|faint sound|strange noise] outside. It was a {animal}, alone and wet.",
        "Through the window {hero} saw a {animal} that could not find its way home.",
      ],
      [
        "{He} was afraid, but {he} took {his} {colour} {thing} and went out. {friend} [came with {him}|held the door|went too].",
        '"We must help," {he} said to {friend}. {friend} was afraid of the thunder, but {fhe} [took {fhis} coat|nodded] and they went.',
      ],
      [
        "They carried the {animal} to {second}, where it was dry, and wrapped it in a [blanket|coat|sack].",
        "Together they brought the {animal} home and [dried it by the fire|gave it milk|made it a bed of straw].",
      ],
      [
        "In the morning the storm was over, and the {animal} [followed {hero} everywhere|ate from {his} hand|was well again].",
        "When the sun rose, the {animal} [jumped up|woke] and looked at {hero} as if to say thank you.",
      ],
    ],
    moral: "To be brave is to be afraid and to go all the same.",
  },
  {
    title: "The Contest",
    beats: [
      [
        "Every [spring|summer|autumn] there was a [race|contest] that ended at {spot}. The prize was a {colour} {thing}.",
        "That year the village held a race to {spot}, and the winner would get a {colour} {thing}.",
      ],
      [
        '{friend} was the [fastest|strongest] of all, and {fhe} [laughed|smiled] when {hero} came. "[You will never win|You are too slow|Go home]," {fhe} said.',
        '{friend} had won [two|three|four] years in a row. "This year I want to win," said {hero}. {friend} only [laughed|shrugged].',
      ],
      [
        "The race began. {friend} ran ahead at once, and {hero} [followed slowly|kept a steady pace|was soon the last].",
        "When the bell rang, everyone ran. {friend} was first, and {hero} was [last|third|second].",
      ],
      [
        "But near {second} {friend} [fell|slipped on a wet stone|hurt {fhis} foot] and could not stand up.",
        "Near {second} a {animal} ran across the road, and {friend} fell [hard|into the mud].",
      ],
      [
        "{hero} could have run past {fhim}. Instead {he} stopped and held out {his} hand. They walked the rest of the way together.",
        '{hero} stopped. "[Lean on me|Take my arm|Come]," {he} said, and they crossed the line at {spot} side by side.',
      ],
      [
        "So the {colour} {thing} was [given to both of them|shared by the two].",
        '"You are the real winner," said {friend}, and {fhe} gave {hero} the {colour} {thing}.',
      ],
    ],
    moral: "It is better to arrive together than to win alone.",
  },
  {
    title: "[The Secret|An Old Letter]",
    beats: [
      [
        'One day {hero} found a {colour} {thing} near {spot}. On it was written: "[Look under the stone|Follow the {animal}|Come at noon]."',
        "While {he} was playing near {spot}, {hero} [found|dug up] a {colour} {thing}. It was very old.",
      ],
      [
        '{He} showed it to {friend}. "This is [a secret|a riddle|very old]," {fhe} whispered. "[Let us find out more|We must tell nobody yet]."',
        '"What is it?" asked {friend}. "I do not know," said {hero}, "but I want to [find out|know]."',
      ],
      [
        'They asked {his} {elder}, who [smiled|looked surprised]. "I had a {colour} {thing} like that when I was young," {ehe} said. "I lost it at {second}."',
        '{His} {elder} [put on {ehis} glasses|looked at it for a long time]. "It belonged to [my|our] family," {ehe} said. "There must be a box at {second}."',
      ],
      [
        "So they went to {second} and looked [everywhere|behind every stone|until it grew dark]. There they found a [wooden|small iron|dusty] box.",
        "The two friends ran to {second}. A {animal} was scratching at the ground, and there, under the leaves, was a box.",
      ],
      [
        "In the box were [old letters|seven coins|a picture of the family|a silver key], and {his} {elder} [cried for joy|laughed like a child].",
        '{hero} opened it [slowly|with care]. Inside was a letter. It said: "[Be kind|Share what you find|Never stop asking]."',
      ],
    ],
    moral: "Those who ask will find.",
  },
  {
    title: "{hero} Builds a [Bridge|House|Boat]",
    beats: [
      [
        "{hero} wanted to build [a tree house|a raft|a small bridge|a hut] near {spot}, but {he} had [no wood|no nails|only an old hammer].",
        'One [summer|spring] {hero} said, "I will build something great at {spot}." {His} {elder} [gave {him} some nails|lent {him} a saw].',
      ],
      [
        "On the first day it [fell down|broke in two]. On the second day it fell down again.",
        "{He} worked all [morning|day], but a {animal} [jumped on it|ran through it], and everything fell apart.",
      ],
      [
        '{friend} came by. "[You need a plan|You need strong rope|You need help]," {fhe} said, and {fhe} [drew a picture in the sand|brought a rope|rolled up {fhis} sleeves].',
        'Then {friend} came with {fhis} {colour} {thing}. "We can use this," {fhe} said.',
      ],
      [
        "{hero} [held the boards|cut the wood] while {friend} [tied the knots|hit the nails]. They [worked|sang and worked] until [sunset|the stars came out].",
        "Together they carried wood from {second}. It took [three|four|five] days, but nobody gave up.",
      ],
      [
        "When it was done, even the {animal} came to look. It [stood firm|was strong] and did not fall.",
        "At last it was finished. They painted it {colour}, and everyone came to see it.",
      ],
    ],
    moral: "Two pairs of hands can do what one cannot.",
  },
  {
    title: "The Gift",
    beats: [
      [
        "It was {friend}'s birthday, and {hero} had no [money|gift].",
        "Soon it would be {friend}'s birthday. {hero} wanted to give {fhim} a {colour} {thing}, but it cost too much.",
      ],
      [
        "{He} went to {spot} to think. There {he} met a [farmer|fisherman|baker|tailor] who needed help.",
        '"What can I do?" {he} asked {his} {elder}. "Work for it," {ehe} said. "They need help at {spot}."',
      ],
      [
        "All [day|week] {he} [carried water|swept the floor|picked apples|fed the animals], and at the end {he} got [three|five|six] coins.",
        "{hero} worked hard. {He} [chopped wood|washed pots|cleaned the stable], and {his} hands hurt in the evening.",
      ],
      [
        "On the way home {he} saw a hungry {animal} and bought some food for it. Now {he} had nothing left.",
        "With the money {he} bought a {colour} {thing} at the market and tied a ribbon around it.",
      ],
      [
        '{He} told {friend} what had happened. "[That is the best gift|You have a good heart]," {fhe} said, and {fhe} hugged {him}.',
        '{friend} [opened {fhis} eyes wide|jumped for joy]. "[Nobody ever gave me so much|Thank you]," {fhe} said.',
      ],
    ],
    moral: "The best gifts cost time and not money.",
  },
  {
    title: "[Lost in the Fog|The Long Way Home]",
    beats: [
      [
        "One [grey|cold|foggy] day {hero} and {friend} walked to {spot} to [pick berries|gather wood|look for mushrooms].",
        "{hero} and {friend} wanted to see {spot}, so they left early with a {colour} {thing} and {food}.",
      ],
      [
        'Then the fog came, and soon they could not see [the path|their own feet]. "We are lost," said {friend}[, and {fhis} voice shook|].',
        'They talked so much that they missed the path. "Where are we?" asked {friend}. {hero} did not know.',
      ],
      [
        '"Let us [stay calm|stop and listen]," said {hero}. They heard [water|a bell|an owl] from the [left|right].',
        "{hero} [climbed a tree|stood on a rock], but {he} saw only [fog|trees].",
      ],
      [
        'A {animal} came out of the grass and looked at them. It walked a little, stopped and looked back. "It wants us to follow," said {hero}.',
        'Then they saw the tracks of a {animal}. "It lives near {second}," said {friend}. "If we follow the tracks, we will find the way."',
      ],
      [
        "They followed it as far as {second}, and from there they [knew the way|saw the lights of home].",
        "Soon they stood at {second}. {hero}'s {elder} was waiting there with a {colour} lamp.",
      ],
    ],
    moral: "Whoever stays calm finds the way.",
  },
  {
    title: "The {Animal} Who Could Talk",
    beats: [
      [
        'One night {hero} met a {animal} at {spot}. "Good evening," said the {animal}. {hero} [could not believe it|rubbed {his} eyes].',
        '{hero} was sitting at {spot} when a {animal} [sat down beside {him}|came near]. "You look [sad|tired|hungry]," it said.',
      ],
      [
        '"You can talk!" {he} cried. "Only [at full moon|on Sundays|to good people]," said the {animal}.',
        '"[Who are you|Where do you come from]?" {he} asked. "I am the {animal} of {second}, and I need your help," it answered.',
      ],
      [
        "It had lost a {colour} {thing}, and without it the {animal} could not [go home|sleep|sing].",
        '"A crow took my {colour} {thing}," it said. "Please bring it back."',
      ],
      [
        '{hero} told {friend}, but {fhe} did not believe {him}. "[Animals cannot talk|You were dreaming]," {fhe} said. So {hero} went alone to {second}.',
        "{hero} asked {friend} for help, and the two of them searched {second} [all day|from one end to the other].",
      ],
      [
        "There was the {colour} {thing}, [under a bush|behind a door|in a nest]. {hero} brought it back at once.",
        "{He} found the {colour} {thing} and [washed it|put it in {his} bag]. That night {he} gave it to the {animal}.",
      ],
      [
        '"I will not forget this," said the {animal}. [The next day it said nothing at all.|Then it was gone.]',
        'The {animal} [bowed|smiled]. "One wish is yours," it said. {hero} wished for [rain for the fields|a good harvest|a friend like {friend}].',
      ],
    ],
    moral: "Listen well, and even the quiet ones will speak to you.",
  },
];

/** `npm start`: plays the story, then leaves whoever sits at a terminal at the console of its network. */
import { Command, InvalidArgumentError } from "commander";
import { TERMINAL_COLUMNS } from "../../src/console/table.js";
import { MemoryStorage } from "../fileStorage.js";
import { PORTER_VERSION } from "../version.js";
import { liveConsole } from "./liveConsole.js";
import { Page } from "./page.js";
import { GREETING, LESSON, PICTURE, PROMISE } from "./picture.js";
import { Plot, StoryError } from "./plot.js";
import { Scene } from "./scene.js";
import { Typist } from "./typist.js";

interface Options {
  readonly seed: number;
  readonly pcap?: string;
}

const DEFAULT_SEED = 1;
/** Longer lines of text are hard to read. */
const MAX_COLUMNS = 96;

const program = new Command("npm start --")
  .description("Plays the story of a home network behind Porter.")
  .option("--seed <n>", "which ports and sequence numbers chance gives", parseSeed, DEFAULT_SEED)
  .option("--pcap <directory>", "record each link there, as lan.pcap, wan.pcap and internet.pcap")
  .parse();

function parseSeed(text: string): number {
  const seed = Number(text);
  if (text === "" || !Number.isSafeInteger(seed)) throw new InvalidArgumentError("It must be a whole number.");
  return seed;
}

/** Of the text; tables and pictures are made for 80. */
function columnsOf(terminal: NodeJS.WriteStream): number {
  return terminal.isTTY ? Math.min(terminal.columns || TERMINAL_COLUMNS, MAX_COLUMNS) : TERMINAL_COLUMNS;
}

function greet(page: Page): void {
  page.gap();
  page.say(GREETING);
  page.picture(PICTURE);
  page.say(LESSON);
  page.gap();
  page.say(PROMISE);
}

async function main({ seed, pcap }: Options): Promise<number> {
  const { stdin, stdout } = process;
  const page = new Page((text) => stdout.write(text), stdout.isTTY === true && stdout.hasColors(), columnsOf(stdout));
  const scene = new Scene(seed);
  const atConsole = { gateway: scene.porter, storage: new MemoryStorage(), version: PORTER_VERSION };
  try {
    if (pcap !== undefined) scene.network.capture(pcap);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
  try {
    greet(page);
    new Plot(scene, new Typist(scene.network, atConsole), page).play();
    if (stdin.isTTY && stdout.isTTY) await liveConsole(scene, page, atConsole);
    return 0;
  } catch (error) {
    if (!(error instanceof StoryError)) throw error;
    page.failure(`The story broke off: ${error.message}.`);
    return 1;
  } finally {
    scene.network.endCapture();
  }
}

// As with `| head`: whoever has read enough needs no more.
process.stdout.on("error", () => process.exit());
process.exitCode = await main(program.opts<Options>());

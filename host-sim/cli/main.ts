/** `npm run sim -- ...`: the gateway between real links. README.md explains the command line, which people script. */
import { Command, InvalidArgumentError, Option } from "commander";
import { CommandError, type DeviceSide } from "../../src/console/command.js";
import { RESTART_COMMANDS } from "../../src/console/commands/restart.js";
import { Console, type ConsoleOptions } from "../../src/console/console.js";
import { restore, restoredText } from "../../src/console/restore.js";
import { DEFAULT_CAPACITY, LARGE_CAPACITY } from "../../src/core/capacity.js";
import { createFlowCache } from "../../src/flow/cache.js";
import { LAN, WAN } from "../../src/gateway.js";
import { checkBindings } from "../../src/link/bindings.js";
import { FileState } from "../fileState.js";
import { FileStorage, MemoryStorage } from "../fileStorage.js";
import { loadNativeFlowCache } from "../nativeFlowCache.js";
import type { Attachment } from "../ports/attachment.js";
import { captureAttachment } from "../ports/capture.js";
import { type AttachmentAddress, openAttachment } from "../ports/openAttachment.js";
import { PcapFile } from "../ports/pcapFile.js";
import { isUnixSocketPath, MAX_UNIX_PATH_BYTES } from "../ports/unixPath.js";
import { SeededRandom } from "../random.js";
import { SystemRandom } from "../systemRandom.js";
import { PORTER_VERSION } from "../version.js";
import { type ConsolePort, openStdioConsole, openUnixConsole } from "./consolePorts.js";
import { areOnOneLink, type Place, parsePlace } from "./place.js";
import { INTERFACE_NAMES, Simulator, SimulatorPort } from "./simulator.js";

/** How long a frame may wait before a capture file shows it. */
const CAPTURE_FLUSH_MS = 100;

type ConsoleAddress = { readonly kind: "stdio" | "none" } | { readonly kind: "unix"; readonly path: string };

interface Options {
  readonly lan: Place;
  readonly wan: Place;
  readonly exec?: readonly string[];
  readonly flash?: string;
  readonly console: ConsoleAddress;
  readonly pcap?: string;
  readonly seed?: number;
  readonly flowCache: "typescript" | "native";
  readonly capacity: "default" | "large";
}

const program = new Command("npm run sim --")
  .description(
    "Runs the gateway between two links of this machine. ATTACH is tap:NAME, a TAP device; or stream:unix:PATH, frames " +
      "over a Unix socket on which it listens; or stream:connect:unix:PATH, on which somebody else listens. Behind it " +
      "may stand ,vlan=N: then both links may be the same one, on two VLANs.",
  )
  .requiredOption("--lan <ATTACH>", "the home's side", readPlace)
  .requiredOption("--wan <ATTACH>", "the internet's side", readPlace)
  .option("--exec <COMMAND>", "carry out a console command before the start; may be repeated", collect)
  .option("--flash <FILE>", 'where "save" writes, and what the next start restores')
  .addOption(
    new Option("--console <WHERE>", "stdio, unix:PATH or none; at the end of piped input the gateway runs on")
      .argParser(readConsoleAddress)
      .default({ kind: "stdio" }, "stdio"),
  )
  .option("--pcap <DIR>", "record the links there, as lan.pcap and wan.pcap, or trunk.pcap if it is one")
  .option("--seed <N>", "make the gateway's random choices repeatable", readSeed)
  .addOption(
    new Option(
      "--flow-cache <LANGUAGE>",
      "what carries established conversations: typescript, or native, its twin in C, which takes a C compiler cc",
    )
      .choices(["typescript", "native"])
      .default("typescript"),
  )
  .addOption(
    new Option("--capacity <SIZE>", "the size of the tables: default, 1,024 sessions; or large, 4,096")
      .choices(["default", "large"])
      .default("default"),
  )
  .parse();

function readPlace(text: string): Place {
  try {
    return parsePlace(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function readConsoleAddress(text: string): ConsoleAddress {
  if (text === "stdio" || text === "none") return { kind: text };
  const path = text.startsWith("unix:") ? text.slice("unix:".length) : "";
  if (!isUnixSocketPath(path)) {
    throw new InvalidArgumentError(
      `It must be stdio, none, or unix:PATH with a path of 1 to ${MAX_UNIX_PATH_BYTES} bytes.`,
    );
  }
  return { kind: "unix", path };
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (text === "" || !Number.isSafeInteger(seed)) throw new InvalidArgumentError("It must be a whole number.");
  return seed;
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** The terminal on which somebody is typing. */
let terminal: ConsolePort | undefined;

function notice(sentence: string): void {
  if (terminal?.show !== undefined && process.stderr.isTTY) terminal.show(`${sentence}\n`);
  else process.stderr.write(`${sentence}\n`);
}

/** Everything that is open, to be closed in reverse. */
const closers: (() => void)[] = [];

function end(exitCode: number): void {
  process.exitCode = exitCode;
  for (const close of closers.splice(0).reverse()) close();
}

async function start(options: Options): Promise<void> {
  const isNative = options.flowCache === "native";
  const flowCache = isNative ? loadNativeFlowCache() : createFlowCache;
  const random = options.seed === undefined ? new SystemRandom() : new SeededRandom(options.seed, "gateway");
  const { lan, wan } = options;
  const links = areOnOneLink(lan, wan)
    ? [{ name: "trunk", place: lan }]
    : [
        { name: "lan", place: lan },
        { name: "wan", place: wan },
      ];
  const bindings = [lan, wan].map(({ vlan }, index) => ({ port: (links[index] ?? links[0])!.name, vlan }));
  const ports: SimulatorPort[] = [];
  for (const { name, place } of links) {
    ports.push(new SimulatorPort(name, await open(name, place.attachment, options.pcap), random));
  }
  const capacity = options.capacity === "large" ? LARGE_CAPACITY : DEFAULT_CAPACITY;
  const simulator = new Simulator(ports, checkBindings(ports, INTERFACE_NAMES, bindings), random, flowCache, capacity);
  closers.push(() => simulator.stop());
  simulator.start(notice);

  const { flash } = options;
  const storage =
    flash === undefined ? new MemoryStorage("start with --flash FILE to keep it") : new FileStorage(flash);
  const kept = flash === undefined ? undefined : new FileState(`${flash}.sessions`);
  const device: DeviceSide = {
    about: () => "",
    script: () => "",
    // Later: the answer goes out first, and whoever calls is in the middle of the gateway that goes.
    restart: (isFresh) => void setImmediate(() => void restart(isFresh)),
    startedAs: () => startedAs,
  };
  const atConsole: ConsoleOptions = {
    gateway: () => simulator.gateway,
    storage,
    version: PORTER_VERSION,
    commands: RESTART_COMMANDS,
    device,
  };
  let startedAs = 0;
  const boot = async (): Promise<void> => {
    const script = new Console({ ...atConsole, device: { ...device, restart: refuseRestart } });
    simulator.add(script);
    simulator.run(() => {
      for (const problem of restore(script, storage)) notice(`${flash}: ${problem}`);
    });
    for (const line of options.exec ?? []) await execute(simulator, script, line);
    startedAs = script.configFingerprint;
    simulator.remove(script);
  };
  const keepSessions = (): void => {
    try {
      kept?.put(simulator.gateway.nat.keepSessions(kept.capacityBytes));
    } catch (error) {
      throw new Error(`not restarted: ${(error as Error).message}; "restart fresh" does not keep the connections`);
    }
  };
  let isRestarting = false;
  const restart = async (isFresh: boolean): Promise<void> => {
    if (isRestarting) return;
    isRestarting = true;
    try {
      if (!isFresh) keepSessions();
      simulator.restart();
      await boot();
      const bytes = kept?.take();
      simulator.run(() =>
        notice(
          bytes === undefined ? "restarted" : `restarted: ${restoredText(simulator.gateway.restoreSessions(bytes))}`,
        ),
      );
    } catch (error) {
      notice((error as Error).message);
    }
    isRestarting = false;
  };
  kept?.take();
  await boot();

  const where = options.console;
  // Whoever waits for "ready" may use the socket at once.
  const console = where.kind === "unix" ? await openUnixConsole(simulator, atConsole, where.path) : undefined;
  process.stdout.write(
    `ready: ${simulator.describe(LAN)}, ${simulator.describe(WAN)}${isNative ? ", flow cache native" : ""}\n`,
  );
  const port = where.kind === "stdio" ? openStdioConsole(simulator, atConsole, () => end(0)) : console;
  terminal = port;
  if (port !== undefined) {
    closers.push(() => {
      terminal = undefined;
      port.close();
    });
  }
}

async function open(name: string, address: AttachmentAddress, pcap: string | undefined): Promise<Attachment> {
  const attachment = await openAttachment(address);
  closers.push(() => attachment.close());
  if (pcap === undefined) return attachment;
  const file = PcapFile.create(pcap, name, notice);
  const flushing = setInterval(() => file.flush(), CAPTURE_FLUSH_MS);
  closers.push(() => {
    clearInterval(flushing);
    file.close();
  });
  return captureAttachment(attachment, file, () => performance.timeOrigin + performance.now());
}

/** A restart carries out the `--exec` commands again: with this one among them it would never end. */
function refuseRestart(): never {
  throw new CommandError("a start cannot be told to start anew; leave this command out");
}

/** Rejects with the console's message when the line is refused. */
function execute(simulator: Simulator, console: Console, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = "";
    simulator.run(() => {
      console.execute(
        line,
        (text) => {
          answer += text;
        },
        (outcome) => {
          if (outcome === "error") {
            reject(new Error(`${line}: ${answer.trim()}`));
            return;
          }
          if (terminal?.show === undefined) process.stdout.write(answer);
          else terminal.show(answer);
          resolve();
        },
      );
    });
  });
}

// Whoever no longer reads does not end the gateway.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
process.on("SIGTERM", () => end(0));
process.on("SIGINT", () => end(0));
try {
  await start(program.opts<Options>());
} catch (error) {
  notice((error as Error).message);
  end(1);
}

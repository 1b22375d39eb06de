import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryStorage } from "../../../host-sim/fileStorage.js";
import { readPcap } from "../../../host-sim/ports/pcapFile.js";
import { Page } from "../../../host-sim/story/page.js";
import { PICTURE } from "../../../host-sim/story/picture.js";
import { Plot, StoryError } from "../../../host-sim/story/plot.js";
import { Scene } from "../../../host-sim/story/scene.js";
import { Typist } from "../../../host-sim/story/typist.js";
import { run } from "../../integration/support/processes.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "porter-story-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Plays the story, in a scene that `spoil` may have spoiled, and returns what it printed. */
function play(seed: number, spoil: (scene: Scene) => void = () => {}): string {
  let text = "";
  const scene = new Scene(seed);
  spoil(scene);
  const typist = new Typist(scene.network, { gateway: scene.porter, storage: new MemoryStorage(), version: "0" });
  const page = new Page((part) => {
    text += part;
  }, false);
  new Plot(scene, typist, page).play();
  return text;
}

describe("the story", () => {
  test("is the same for the same seed, and has other ports for another", () => {
    expect(play(1)).toBe(play(1));
    expect(play(2)).not.toBe(play(1));
  });

  test("is as README.md quotes it", () => {
    const readme = readFileSync("README.md", "utf8");
    const quoted = /## The story\n[^`]*`npm start`[^`]*```\n(.*?)```/s.exec(readme)?.[1] as string;
    const lines = play(1).split("\n");
    expect(quoted.split("\n").filter((line) => !lines.includes(line))).toEqual([]);
  });

  test("happens with any seed", () => {
    for (let seed = 1; seed <= 50; seed++) expect(play(seed).match(/✓/g)?.length).toBe(5);
  });

  test("fits on a terminal of 80 columns, without a trailing blank", () => {
    for (let seed = 1; seed <= 20; seed++) {
      for (const line of play(seed).split("\n")) {
        expect(line.length, line).toBeLessThanOrEqual(80);
        expect(line).toBe(line.trimEnd());
      }
    }
    for (const line of PICTURE.replaceAll("*", "").split("\n")) {
      expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  test("shows the five things it is about", () => {
    const text = play(1);
    expect(text.match(/Hello, 203\.0\.113\.2:\d+\. Here is \/(news|weather)\./g)?.length).toBe(2);
    expect(text).toContain("wan-unsolicited");
    expect(text).toContain("> forward add tcp 25565 192.168.1.50\n");
    expect(text).toContain("you said: good evening, house!");
    expect(text).toMatch(/error: tcp port 25565 is taken by .*192\.168\.1\.50/);
  });
});

describe("a story that does not happen breaks off", () => {
  test("where the server is not reached", () => {
    const cutOff = (scene: Scene): void => {
      scene.internet.filter = (_, __, sender) => sender.name !== "web server";
    };
    expect(() => play(1, cutOff)).toThrow(new StoryError("the tabs' connections did not open"));
  });

  test("where the friend is let in unasked", () => {
    const open = (scene: Scene): void => {
      const ports = { first: 25565, last: 25565 };
      scene.porter.nat.forwards.add({ protocol: "tcp", ports, insideAddress: 0xc0a80132 | 0, insidePort: 25565 });
    };
    expect(() => play(1, open)).toThrow(new StoryError("the friend got an answer that nobody should have given"));
  });

  test("where the game server is down", () => {
    const unplug = (scene: Scene): void => {
      scene.lan.filter = (_, __, sender) => sender.name !== "game PC";
    };
    expect(() => play(1, unplug)).toThrow(new StoryError("the friend was not let in: no answer"));
  });
});

describe("npm start", () => {
  const command = [process.execPath, ".config/run.mjs", "host-sim/story/main.ts"];

  test("ends well without a terminal, and records each link", { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await run([...command, "--pcap", directory], 30_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("PORTER");
    expect(stdout).not.toContain("\x1b");
    expect(readdirSync(directory).sort()).toEqual(["internet.pcap", "lan.pcap", "wan.pcap"]);
    for (const file of readdirSync(directory)) {
      expect(readPcap(readFileSync(join(directory, file))).length).toBeGreaterThan(20);
    }
  });

  test("says in a sentence that it cannot record", { timeout: 60_000 }, async () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    for (const path of [file, join(file, "below")]) {
      const { code, stdout, stderr } = await run([...command, "--pcap", path], 30_000);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^the capture .* cannot be made: .*\n$/);
    }
  });

  test("ends quietly when nobody reads on", { timeout: 60_000 }, async () => {
    const pipeline = `${command.map((word) => `'${word}'`).join(" ")} | head -n 3; exit "\${PIPESTATUS[0]}"`;
    const { code, stderr } = await run(["bash", "-c", pipeline], 30_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("refuses a wrong seed in a sentence", { timeout: 60_000 }, async () => {
    const { code, stderr } = await run([...command, "--seed", "x"], 30_000);
    expect(code).toBe(1);
    expect(stderr).toContain("It must be a whole number.");
  });
});

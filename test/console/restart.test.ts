import { beforeEach, describe, expect, it } from "vitest";
import { RESTART_COMMANDS } from "../../src/console/commands/restart.js";
import { Console } from "../../src/console/console.js";
import { restoredText } from "../../src/console/restore.js";
import { ConsoleFixture, HOME } from "./fixture.js";

const UNSAVED = (line: string) =>
  `error: settings that are not saved would be lost; "save" stores them, "${line} discard" drops them\n`;

describe("restart", () => {
  let porter: ConsoleFixture;
  let console: Console;
  /** Of each restart, whether it was a fresh one. */
  let restarts: boolean[];
  let startedAs: number;

  /** What is set comes from the start, as if by a simulator's command line. */
  function hasStarted(): void {
    startedAs = console.configFingerprint;
  }

  function run(...lines: string[]): string {
    let text = "";
    for (const line of lines) {
      console.execute(line, (part) => {
        text += part;
      });
    }
    return text;
  }

  beforeEach(() => {
    porter = new ConsoleFixture();
    restarts = [];
    startedAs = 0;
    console = new Console({
      gateway: porter.gateway,
      storage: porter.storage,
      version: "1.2.3",
      commands: RESTART_COMMANDS,
      device: {
        about: () => "",
        script: () => "",
        restart: (isFresh) => restarts.push(isFresh),
        startedAs: () => startedAs,
      },
    });
  });

  it("happens at once where everything has its default, and with fresh says so to the device", () => {
    expect(run("restart", "restart fresh", "reboot")).toBe("restarting\n".repeat(3));
    expect(restarts).toEqual([false, true, false]);
  });

  it.each(["restart", "reboot", "restart fresh"])(
    "%j is refused while settings are not saved, and goes on with discard",
    (line) => {
      run(...HOME);
      expect(run(line)).toBe(UNSAVED(line));
      expect(restarts).toEqual([]);
      expect(run(`${line} discard`)).toBe("restarting\n");
      expect(restarts).toEqual([line.endsWith("fresh")]);
    },
  );

  it("happens once they are saved, and is refused again after another change", () => {
    run(...HOME, "save");
    expect(run("restart")).toBe("restarting\n");
    run("set hostname attic");
    expect(run("restart")).toBe(UNSAVED("restart"));
    run("set hostname porter");
    expect(run("restart")).toBe("restarting\n");
  });

  it("happens when the start has brought what runs, whatever is saved", () => {
    run(...HOME, "save", "set hostname attic");
    hasStarted();
    expect(run("restart")).toBe("restarting\n");
    run("set wan mtu 1400");
    expect(run("restart")).toBe(UNSAVED("restart"));
  });

  it("is refused when what the start has brought runs again, but something else was saved meanwhile", () => {
    run(...HOME);
    hasStarted();
    run("set hostname attic", "save", "set hostname porter");
    expect(run("restart")).toBe(UNSAVED("restart"));
  });

  it("is refused after a change, and only then, where flash cannot be read", () => {
    porter.storage.read = () => {
      throw new Error("the flash is gone");
    };
    expect(run("restart")).toBe("restarting\n");
    run("set hostname attic");
    expect(run("restart")).toBe(UNSAVED("restart"));
  });
});

describe("after a restart", () => {
  it.each([
    [0, "no session goes on from before the restart"],
    [1, "1 session goes on from before the restart"],
    [2, "2 sessions go on from before the restart"],
  ])("with %i sessions it says so", (sessions, text) => {
    expect(restoredText(sessions)).toBe(text);
  });
});

import { describe, expect, it } from "vitest";
import { ConsoleSession } from "../../src/console/session.js";
import { ConsoleFixture, HOME } from "./fixture.js";

/** A session whose output is collected. */
function openSession(isRawTerminal = false) {
  const porter = new ConsoleFixture();
  porter.run(...HOME);
  let output = "";
  const session = new ConsoleSession(
    porter.console,
    (text) => {
      output += text;
    },
    { isRawTerminal },
  );
  session.start();
  const type = (text: string) => {
    output = "";
    session.receive(text);
    return output;
  };
  return { porter, session, type, output: () => output };
}

describe("a session on a plain stream", () => {
  it("greets with the prompt and prints it again after each answer", () => {
    const { output, type } = openSession();
    expect(output()).toBe("> ");
    expect(type("show nat\n")).toBe("no mappings, address-dependent filtering\n> ");
    expect(type("nonsense\n")).toMatch(/^error: [^\n]*\n> $/);
  });

  it.each(["\n", "\r", "\r\n"])("takes %j for a line end", (end) => {
    const { porter, type } = openSession();
    expect(type(`set hostname a${end}set hostname b${end}`)).toBe("hostname is a\n> hostname is b\n> ");
    expect(porter.gateway.hostname).toBe("b");
  });

  it("takes a line in pieces of any size", () => {
    const { porter, type } = openSession();
    for (const character of "set hostname lobby\r\n") type(character);
    expect(porter.gateway.hostname).toBe("lobby");
  });

  it.each(["\b", "\x7f"])("erases with %j, and not beyond the line's beginning", (erase) => {
    const { porter, type } = openSession();
    type(`${erase}set hostname lobbyx${erase}\n`);
    expect(porter.gateway.hostname).toBe("lobby");
  });

  it("ignores cursor keys and other control characters", () => {
    const { porter, type } = openSession();
    type("set ho\x1b[A\x1b[3~\x1bOPst\x00\x07name lobby\x1b\n");
    expect(porter.gateway.hostname).toBe("lobby");
  });

  it("drops the line at Ctrl-U, and the line and the prompt at Ctrl-C", () => {
    const { porter, type } = openSession();
    expect(type("set hostname a\x15set hostname b\n")).toBe("hostname is b\n> ");
    expect(type("set hostname c\x03")).toBe("> ");
    expect(type("\n")).toBe("> ");
    expect(porter.gateway.hostname).toBe("b");
  });

  it("gives one error for a line that is too long, however long, and takes the next", () => {
    const { porter, type } = openSession();
    expect(type(`${"x".repeat(100_000)}\n`)).toBe(
      "error: the line is longer than the 256 characters a line may have\n> ",
    );
    expect(type(`${"set hostname lobby".padEnd(256)}\n`)).toBe("hostname is lobby\n> ");
    expect(porter.gateway.hostname).toBe("lobby");
  });

  it("counts what was erased off a line that was too long", () => {
    const { type } = openSession();
    expect(type(`${" ".repeat(300)}${"\b".repeat(44)}\n`)).toBe("> ");
  });

  it("takes and writes nothing more once it is closed, even by a line of its own", () => {
    let leave = (): void => {};
    const run = () => {
      leave();
      return "bye\n";
    };
    const porter = new ConsoleFixture([{ syntax: "quit", summary: "leave", example: "quit", run }]);
    let output = "";
    const session = new ConsoleSession(porter.console, (text) => {
      output += text;
    });
    leave = () => session.close();
    session.receive("set hostname a\nquit\nset hostname b\n");
    expect(output).toBe("hostname is a\n> ");
    expect(porter.gateway.hostname).toBe("a");
  });

  it("prints no prompt where it is told so", () => {
    const porter = new ConsoleFixture();
    let output = "";
    const write = (text: string) => {
      output += text;
    };
    const session = new ConsoleSession(porter.console, write, { prompt: "" });
    session.start();
    session.receive("set hostname a\nping 203.0.113.1\n\x03");
    expect(output).toMatch(/^hostname is a\nerror: no route to [^>]*\n$/);
  });

  it("forgets a line that was not ended when the user goes", () => {
    const { porter, session, type } = openSession();
    type("set hostname lobby");
    session.close();
    expect(porter.gateway.hostname).toBe("porter");
  });
});

describe("a session while a command runs", () => {
  it("keeps the lines that come, and runs them after it", () => {
    const { porter, session, type, output } = openSession();
    expect(type("ping 192.168.1.50\nset hostname a\nset hostname b\n")).toBe("");
    expect(session.isIdle).toBe(false);
    expect(porter.gateway.hostname).toBe("porter");
    porter.advance(5000);
    expect(output()).toMatch(/4 sent, 0 received, 100% lost\n> hostname is a\n> hostname is b\n> $/);
    expect(porter.gateway.hostname).toBe("b");
    expect(session.isIdle).toBe(true);
  });

  it.each(["\n", "\x03"])("ends it at %j", (interrupt) => {
    const { session, type } = openSession();
    type("ping 192.168.1.50\n");
    expect(type(interrupt)).toBe("1 sent, 0 received, 100% lost\n> ");
    expect(session.isIdle).toBe(true);
  });

  it("ends it when too many lines wait, and loses none of them", () => {
    const { porter, type } = openSession();
    type("ping 192.168.1.50\n");
    for (let i = 1; i <= 33; i++) type(`set hostname name${i}\n`);
    expect(porter.gateway.hostname).toBe("name33");
  });
});

describe("a session on a raw terminal", () => {
  it("echoes what is typed and ends lines with CR LF", () => {
    const { type } = openSession(true);
    expect(type("show arp\r")).toBe("show arp\r\nno neighbours\r\n> ");
    expect(type("ab\b\b\b")).toBe("ab\b \b\b \b");
    expect(type("x\x03")).toBe("x^C\r\n> ");
  });

  it("does not echo what no longer fits", () => {
    const { type } = openSession(true);
    expect(type("x".repeat(300))).toBe("x".repeat(256));
    expect(type("\b".repeat(45))).toBe("\b \b");
  });
});

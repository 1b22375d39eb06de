/** What the core gives in any engine: the cases that test/xs runs on xsnap. */
import { talk as talkAtConsole } from "../../console/xs.entry.js";
import { talk } from "../../xs/console.entry.js";
import * as gateway from "../../xs/gateway.entry.js";
import type { Replay } from "../../xs/packetCase.js";

export interface Results {
  readonly replay: Replay;
  readonly talk: string;
  readonly talkAtConsole: string;
  /** Of each case: how many of the packets went its way. */
  readonly cases: Readonly<Record<string, number>>;
}

/** Of each case. */
const PACKETS = 20;

export function results(): Results {
  const cases: Record<string, number> = {};
  for (const { name } of gateway.listCases()) {
    gateway.prepare(name);
    cases[name] = gateway.run(PACKETS, true);
  }
  return { replay: gateway.replay(), talk: talk(), talkAtConsole: talkAtConsole(), cases };
}

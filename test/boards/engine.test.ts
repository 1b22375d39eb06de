import { expect, it } from "vitest";
import { canBuild, SANITIZER_FLAGS } from "../flow/native/build.js";
import { describeIf } from "../support/skip.js";
import { buildProgram, complaintsAfter, describeCases, NO_FLOW_CACHE } from "./native/build.js";

const TIMEOUT_MS = 120_000;

const REASON = "needs a C compiler `cc` with AddressSanitizer and UndefinedBehaviorSanitizer";

const FILE = "xsFramePort.c";
const OTHERS = ["framePort.c", "frameRing.c", "ethernetPort.c", "wifiPort.c", "xsWifi.c"];
const DEFINES = ["FRAMEPORT_ETHERNET=1", "FRAMEPORT_WIFI=1", "FRAMEPORT_SLOTS=4", "TASK_QUEUEWAIT=0"];
const OPTIONS = {
  flags: [
    ...SANITIZER_FLAGS,
    "-Wl,--wrap=free",
    "-DCONFIG_ETH_USE_OPENETH=1",
    ...DEFINES.map((define) => `-DMODDEF_${define}`),
  ],
  fakes: ["idf.c", "xs.c"],
};

const canRun = canBuild(...SANITIZER_FLAGS, "-Wl,--wrap=free");

describeCases(canRun, REASON, "the frame port and the radio, to the engine,", () =>
  buildProgram("xs", [FILE, ...OTHERS], { ...OPTIONS, flowCache: NO_FLOW_CACHE }),
);

describeIf(canRun, REASON, "the tests of the frame port to the engine", () => {
  it.each([
    ["a record that is freed too early", "  __atomic_add_fetch(&record->users, 1, __ATOMIC_ACQ_REL);\n", ""],
    ["a record that is not freed", "  }\n  release(record);\n}", "  }\n}"],
    ["a request that fails", "  release(record);\n  return 0;", "  return 0;"],
    ["a message to a closed port", "  if (!record->isClosed) {\n    const", "  {\n    const"],
    ["a port that a callback closes", "(news & PORTER_READABLE) && !record->isClosed", "news & PORTER_READABLE"],
    ["a callback outside of the machine's turn", "      xsBeginHost(the);\n", ""],
    ["a buffer without room for a frame", "size < PORTER_ETHERNET_AT || ", ""],
    ["an interface with two ports", "interface->record != NULL", "0"],
  ])("would notice a slip about %s", { timeout: TIMEOUT_MS }, (_, text, replacement) => {
    expect(complaintsAfter("xs", FILE, [text, replacement], OTHERS, OPTIONS)).not.toBe("");
  });
});

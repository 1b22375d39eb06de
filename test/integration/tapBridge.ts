/*
 * Carries frames between two attachments, unchanged: node .config/run.mjs test/integration/tapBridge.ts ATTACH ATTACH.
 * Prints "ready", each notice, and at the end the counters. "close" on its standard input lets both go.
 */
import { createInterface } from "node:readline";
import type { Attachment } from "../../host-sim/ports/attachment.js";
import { openAttachment, parseAttachment } from "../../host-sim/ports/openAttachment.js";

function carry(from: Attachment, to: Attachment): void {
  from.start({
    onFrame: (frame, length) => void to.send(frame, length),
    onNotice: (sentence) => console.log(`notice: ${sentence}`),
  });
}

try {
  const [left, right] = await Promise.all(
    process.argv.slice(2, 4).map((text) => openAttachment(parseAttachment(text))),
  );
  if (left === undefined || right === undefined) throw new Error("two attachments are needed");
  carry(left, right);
  carry(right, left);
  const input = createInterface({ input: process.stdin });
  const close = (): void => {
    left.close();
    right.close();
    input.close();
    console.log(`counters: ${JSON.stringify([left.counters, right.counters])}`);
  };
  input.on("line", (line) => {
    if (line === "close") close();
  });
  process.once("SIGTERM", close);
  console.log("ready");
} catch (error) {
  console.log(`error: ${(error as Error).message}`);
  process.exit(1);
}

/*
 * Carries frames between two attachments, unchanged: node .config/run.mjs test/integration/tapBridge.ts ATTACH ATTACH.
 * Prints "ready", each notice, and the counters when a signal has ended it. It never calls process.exit() then: that it
 * ends shows that closed attachments hold nothing.
 */
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
  const close = (): void => {
    left.close();
    right.close();
    console.log(`counters: ${JSON.stringify([left.counters, right.counters])}`);
  };
  process.once("SIGTERM", close);
  process.once("SIGINT", close);
  console.log("ready");
} catch (error) {
  console.log(`error: ${(error as Error).message}`);
  process.exit(1);
}

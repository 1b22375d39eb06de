import { canBuild, SANITIZER_FLAGS } from "../flow/native/build.js";
import { buildProgram, describeCases, NO_FLOW_CACHE } from "./native/build.js";
import { canRunThreadSanitizer, THREAD_SANITIZER_FLAGS } from "./native/threadSanitizer.js";

const REASON = "needs a C compiler `cc` with AddressSanitizer and UndefinedBehaviorSanitizer";
const THREADS_REASON = "needs a C compiler `cc` with ThreadSanitizer";

describeCases(canBuild(...SANITIZER_FLAGS), REASON, "the frame ring", () =>
  buildProgram("ring", ["frameRing.c"], { flags: SANITIZER_FLAGS, flowCache: NO_FLOW_CACHE }),
);

describeCases(canRunThreadSanitizer(), THREADS_REASON, "the frame ring between two tasks", () =>
  buildProgram("ringThreads", ["frameRing.c"], { flags: THREAD_SANITIZER_FLAGS, flowCache: NO_FLOW_CACHE }),
);

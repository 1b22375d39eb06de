/**
 * The chip itself: randomness, restarts, the watchdog, the state of an update. Each is one call into ESP-IDF, by the SDK's
 * foreign function interface; manifest.json declares the functions.
 */
import Functions from "mc/ffi";
import type { Random } from "../../src/core/random.js";

const functions = (): Functions => new Functions();

/**
 * The hardware's random numbers. Without a running radio they are as unpredictable as the source that feeds them:
 * `enableEntropy` turns on the noise of the analogue converter.
 */
export class HardwareRandom implements Random {
  readonly #functions = functions();

  next32(): number {
    return this.#functions.esp_random();
  }

  /** To be called before the first random number, and while no radio runs. */
  enableEntropy(): void {
    this.#functions.bootloader_random_enable();
  }

  /** To be called before a radio starts, which is then the source itself. */
  disableEntropy(): void {
    this.#functions.bootloader_random_disable();
  }
}

/** One user of the task watchdog: unless it is fed, it restarts the device (CONFIG_ESP_TASK_WDT_TIMEOUT_S). */
export class Watchdog {
  readonly #functions = functions();
  readonly #user: number;

  /**
   * `name` is a literal of the program: ESP-IDF keeps a pointer to it, and the linked program's literals stay where they
   * are, in flash, whereas the engine moves other strings.
   */
  constructor(name: string) {
    const handle = new Int32Array(1);
    const failed = this.#functions.esp_task_wdt_add_user(name, handle.buffer);
    this.#user = failed === 0 ? (handle[0] as number) : 0;
  }

  /** False where the watchdog is not built in. */
  get isOn(): boolean {
    return this.#user !== 0;
  }

  feed(): void {
    if (this.#user !== 0) this.#functions.esp_task_wdt_reset_user(this.#user);
  }
}

/** Why the chip started, as ESP-IDF numbers it (esp_reset_reason_t). */
export function resetReason(): number {
  return functions().esp_reset_reason();
}

/** Bytes of the system's heap: free now, and the least that was ever free. */
export function freeHeap(): { readonly now: number; readonly least: number } {
  const all = functions();
  return { now: all.esp_get_free_heap_size(), least: all.esp_get_minimum_free_heap_size() };
}

export function restart(): void {
  functions().esp_restart();
}

/** ESP_OTA_IMG_PENDING_VERIFY of esp_flash_partitions.h. */
const PENDING_VERIFY = 1;

/** Whether the running image is new, and the bootloader goes back to the one before unless `confirmImage` is called. */
export function isImageOnTrial(): boolean {
  const all = functions();
  const state = new Int32Array(1);
  const failed = all.esp_ota_get_state_partition(all.esp_ota_get_running_partition(), state.buffer);
  return failed === 0 && state[0] === PENDING_VERIFY;
}

export function confirmImage(): void {
  functions().esp_ota_mark_app_valid_cancel_rollback();
}

/** Restarts with the image before; returns if there is none. */
export function rejectImage(): void {
  functions().esp_ota_mark_app_invalid_rollback_and_reboot();
}

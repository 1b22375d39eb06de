// As mcconfig generates it from "ffi" in manifest.json; `npm run device:check` compares the two.
declare module "mc/ffi" {
  export default class FFI {
    constructor();
    esp_random(): number;
    bootloader_random_enable(): void;
    bootloader_random_disable(): void;
    esp_task_wdt_add_user(arg0: string, arg1: ArrayBuffer): number;
    esp_task_wdt_reset_user(arg0: number): number;
    esp_reset_reason(): number;
    esp_get_free_heap_size(): number;
    esp_get_minimum_free_heap_size(): number;
    esp_restart(): void;
    esp_ota_get_running_partition(): number;
    esp_ota_get_state_partition(arg0: number, arg1: ArrayBuffer): number;
    esp_ota_mark_app_valid_cancel_rollback(): number;
    esp_ota_mark_app_invalid_rollback_and_reboot(): number;
  }
}

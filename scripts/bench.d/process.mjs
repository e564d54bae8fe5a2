// What a process has used, from /proc.

import { readFileSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const TICK_US = 1_000_000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** User and system time of all its threads, in microseconds. */
export function cpuUs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Waits until it has done nothing for a while, so that what it does after its answers is counted with them. */
export async function idle(pid) {
  const deadline = Date.now() + 5_000;
  for (let before = cpuUs(pid), quiet = 0; quiet < 3 && Date.now() < deadline; ) {
    await sleep(50);
    const now = cpuUs(pid);
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}

/** Forgets the peak of its memory. */
export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The most memory it had resident since the peak was reset, in MiB. */
export const peakMib = (pid) => memoryMib(pid, "VmHWM");

/** The memory it has resident, in MiB. */
export const residentMib = (pid) => memoryMib(pid, "VmRSS");

function memoryMib(pid, field) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)[1]) / 1024;
}

/** Time of all cores since boot, in ticks: spent, and taken by the hypervisor. */
export function machine() {
  const [user, nice, system, idleTicks, iowait, irq, softirq, steal] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busyUs: busy * TICK_US, totalUs: (busy + idleTicks + iowait) * TICK_US };
}

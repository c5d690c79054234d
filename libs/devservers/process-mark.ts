import { execFile } from 'node:child_process';
import { platform } from 'node:os';
import { promisify } from 'node:util';
import { readIfExists } from './private-file.js';

/**
 * Identifies a process by its pid and start time, because pids are reused.
 *
 * @returns undefined if no such process is running; a zombie does not count
 */
export async function markOf(pid: number): Promise<string | undefined> {
  const startTime =
    platform() === 'linux' ? await startTimeFromProc(pid) : await startTimeFromPs(pid);
  return startTime && `${pid} ${startTime}`;
}

/** The pid in a mark, if its process is still running. */
export async function runningPid(mark: string | undefined): Promise<number | undefined> {
  const pid = Number.parseInt(mark ?? '', 10);
  if (!(pid > 0)) return undefined;
  return (await markOf(pid)) === mark?.trim() ? pid : undefined;
}

/** In clock ticks since the machine's boot: field 22 of /proc/PID/stat, see proc(5). */
async function startTimeFromProc(pid: number): Promise<string | undefined> {
  const stat = await readIfExists(`/proc/${pid}/stat`).catch(() => undefined);
  // The second field, the name, is in parentheses and may hold anything.
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === 'Z' ? undefined : fields[18];
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  const ps = promisify(execFile)('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
  const { stdout } = await ps.catch(() => ({ stdout: '' }));
  const [state = 'Z', ...startTime] = stdout.trim().split(/\s+/);
  return state.startsWith('Z') ? undefined : startTime.join(' ');
}

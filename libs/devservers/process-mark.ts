import { execFile } from 'node:child_process';
import { platform } from 'node:os';
import { promisify } from 'node:util';
import { readIfThere } from './private-file.js';

/**
 * Names one process for good: its pid and when it was born, because pids are used again.
 *
 * @returns undefined when no such process is running (one that only waits to be reaped is not)
 */
export async function markOf(pid: number): Promise<string | undefined> {
  const birth = platform() === 'linux' ? await birthFromProc(pid) : await birthFromPs(pid);
  return birth && `${pid} ${birth}`;
}

/** The pid in a mark, provided that the process it names is still running. */
export async function runningPid(mark: string | undefined): Promise<number | undefined> {
  const pid = Number.parseInt(mark ?? '', 10);
  if (!(pid > 0)) return undefined;
  return (await markOf(pid)) === mark?.trim() ? pid : undefined;
}

/** In clock ticks since the machine's boot: field 22 of /proc/PID/stat, see proc(5). */
async function birthFromProc(pid: number): Promise<string | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`).catch(() => undefined);
  // The second field, the name, is in parentheses and may hold anything.
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === 'Z' ? undefined : fields[18];
}

async function birthFromPs(pid: number): Promise<string | undefined> {
  const ps = promisify(execFile)('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
  const { stdout } = await ps.catch(() => ({ stdout: '' }));
  const [state = 'Z', ...birth] = stdout.trim().split(/\s+/);
  return state.startsWith('Z') ? undefined : birth.join(' ');
}

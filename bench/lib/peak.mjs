/**
 * Loaded into a measured command: at its end writes its peak resident memory, in KB. Linux is asked for VmHWM, because
 * a child's maxRSS there begins with that of the process that started it.
 */
import { readFileSync, writeFileSync } from 'node:fs';

process.on('exit', () => {
  const peak = process.platform === 'linux' ? /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1] : process.resourceUsage().maxRSS;
  writeFileSync(process.env.OPENCLAW_BENCH_PEAK, String(peak));
});

/** A log whose every line says which account it is about. */
import type { ChannelAccount } from '../../core/channel.js';
import type { Logger } from '../../core/ports.js';

export function accountLog(log: Logger, { channel, account }: ChannelAccount): Logger {
  const at = (fields: object): object => ({ channel, account, ...fields });
  return {
    debug: (fields, message) => log.debug(at(fields), message),
    info: (fields, message) => log.info(at(fields), message),
    warn: (fields, message) => log.warn(at(fields), message),
    error: (fields, message) => log.error(at(fields), message),
  };
}

/**
 * The schema of the config file, for editors and `openclaw config schema`.
 * Invariant: unlike the schema of the loaded config, nothing that has a default is required.
 */
import { ConfigSchema } from '../../core/schema/config.js';
import { isRecord } from './check.js';

export function fileSchema(): Readonly<Record<string, unknown>> {
  const body = relax(JSON.parse(JSON.stringify(ConfigSchema))) as Record<string, unknown>;
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'openclaw.json', ...body };
}

function relax(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(relax);
  if (!isRecord(node)) return node;
  const result = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === 'default' || key === 'enum' ? value : relax(value)]));
  const { required, properties } = result;
  if (!Array.isArray(required) || !isRecord(properties)) return result;
  const still = required.filter((key) => !isRecord(properties[String(key)]) || (properties[String(key)] as Record<string, unknown>)['default'] === undefined);
  if (still.length > 0) return { ...result, required: still };
  delete result['required'];
  return result;
}

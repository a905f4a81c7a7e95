/** The installation's Temporal server, as somebody with a client of their own sees it. */
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { sessionWorkflowId } from '../../../src/core/names.js';
import type { Scene, Sent } from './scene.js';

export async function withWorkflow<T>({ house }: Scene, sent: Sent, use: (workflow: WorkflowHandle) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: `127.0.0.1:${house.engine().ports.grpc}` });
  try {
    return await use(new Client({ connection, namespace: 'openclaw' }).workflow.getHandle(sessionWorkflowId(`agent:main:${sent.session}`)));
  } finally {
    await connection.close();
  }
}

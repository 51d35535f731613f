/** A download that is made while it is read: nothing is gathered, and who goes away ends it. */

const encoder = new TextEncoder();

export function streamed(
	parts: AsyncGenerator<string, void>,
	{ type, file }: { type: string; file: string }
): Response {
	const body = new ReadableStream<Uint8Array>({
		async pull(controller) {
			try {
				const { done, value } = await parts.next();
				if (done) controller.close();
				// An empty part is none: the stream asks again.
				else controller.enqueue(encoder.encode(value));
			} catch (error) {
				// The head is out: a cut connection is how the reader learns that it is not whole.
				controller.error(error);
			}
		},
		cancel: async () => void (await parts.return())
	});
	return new Response(body, {
		headers: {
			'content-type': type,
			'content-disposition': `attachment; filename="${file}"`,
			'cache-control': 'no-store'
		}
	});
}

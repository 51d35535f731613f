/**
 * One Pixi application on a transparent canvas. Frames are drawn only when asked for; Pixi's own
 * tickers never run. On a machine without a real GPU the 2D canvas renderer is used: WebGL in
 * software reaches a fifth of its speed.
 */
// First of all: Pixi otherwise makes functions from text, which the page's policy forbids.
import 'pixi.js/unsafe-eval';
import { Application, Container, RendererType, Ticker } from 'pixi.js';

export interface Screen {
	readonly renderer: 'webgl' | 'canvas';
	readonly canvas: HTMLCanvasElement;
	readonly root: Container;
	/** Draws what `root` holds now. */
	render(): void;
	destroy(): void;
}

export interface ScreenOptions {
	width: number;
	height: number;
	/** `auto` decides by the machine. */
	renderer: 'auto' | 'webgl' | 'canvas';
	/** The GPU took the picture away; this screen stays empty for ever. */
	onLost: () => void;
}

// Pixi's clean-up clock would ask for frames for ever, and throw out what was warmed beforehand.
Ticker.system.autoStart = false;

/** Makes a screen. Its canvas is in no page yet, so that warming up is not seen. */
export async function createScreen(options: ScreenOptions): Promise<Screen> {
	const { width, height, onLost } = options;
	const canvasOnly =
		options.renderer === 'canvas' || (options.renderer === 'auto' && !hasRealGpu());
	const preference: Preference = canvasOnly ? ['canvas'] : ['webgl', 'canvas'];
	const app = await start(preference, width, height).catch((cause: unknown) => {
		// A GPU that promised more than it gives: the 2D canvas always works.
		if (canvasOnly) throw cause;
		return start(['canvas'], width, height);
	});
	const canvas = app.canvas;
	const style = canvas.style;
	style.position = 'absolute';
	style.inset = '0';
	style.width = '100%';
	style.height = '100%';
	style.objectFit = 'contain';
	let alive = true;
	const lost = (): void => {
		if (alive) onLost();
	};
	canvas.addEventListener('webglcontextlost', lost);
	return {
		renderer: app.renderer.type === RendererType.CANVAS ? 'canvas' : 'webgl',
		canvas,
		root: app.stage,
		render: () => app.render(),
		destroy() {
			alive = false;
			canvas.removeEventListener('webglcontextlost', lost);
			app.destroy({ removeView: true }, { children: true });
		}
	};
}

type Preference = ('webgl' | 'canvas')[];

async function start(preference: Preference, width: number, height: number): Promise<Application> {
	const app = new Application();
	await app.init({
		width,
		height,
		preference,
		backgroundAlpha: 0,
		antialias: false,
		autoStart: false,
		sharedTicker: false,
		resolution: 1,
		// Without events, accessibility and DOM layers: nobody touches an overlay.
		skipExtensionImports: true,
		powerPreference: 'high-performance'
	});
	return app;
}

/** Whether WebGL is there and drawn by hardware, by the name that the driver gives itself. */
function hasRealGpu(): boolean {
	const gl = document.createElement('canvas').getContext('webgl2');
	if (gl === null) return false;
	const info = gl.getExtension('WEBGL_debug_renderer_info');
	const name = String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
	gl.getExtension('WEBGL_lose_context')?.loseContext();
	return !/swiftshader|llvmpipe|softpipe|basic render|software/i.test(name);
}

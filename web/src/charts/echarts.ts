import { LineChart, ScatterChart } from 'echarts/charts'
import { DataZoomComponent, GraphicComponent, GridComponent, MarkAreaComponent, MarkPointComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([LineChart, ScatterChart, GraphicComponent, GridComponent, TooltipComponent, MarkAreaComponent, MarkPointComponent, DataZoomComponent, CanvasRenderer])
export { init }
export type { EChartsType } from 'echarts/core'

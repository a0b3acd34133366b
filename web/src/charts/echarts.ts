import { LineChart, ScatterChart } from 'echarts/charts'
import { DataZoomComponent, GraphicComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkPointComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([LineChart, ScatterChart, GraphicComponent, GridComponent, LegendComponent, TooltipComponent, MarkAreaComponent, MarkPointComponent, DataZoomComponent, CanvasRenderer])
export { init }
export type { EChartsType } from 'echarts/core'

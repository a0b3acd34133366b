/* The parts of Element Plus that are used, each with its own style sheet: nothing else reaches the bundle. */
import 'element-plus/es/components/base/style/css'
import 'element-plus/es/components/date-picker/style/css'
import 'element-plus/es/components/dialog/style/css'
import 'element-plus/es/components/message/style/css'
import 'element-plus/es/components/notification/style/css'
import 'element-plus/es/components/option/style/css'
import 'element-plus/es/components/select/style/css'

export { ElConfigProvider, ElDatePicker, ElDialog, ElMessage, ElNotification, ElOption, ElSelect } from 'element-plus'

<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>AboutDialog</name>
    <message>
        <source>About Depthwise Studio</source>
        <translation>关于 Depthwise Studio</translation>
    </message>
    <message>
        <source>Makes YOLOv5 detectors lighter by point and click: design, train, compare.</source>
        <translation>点一点鼠标，让 YOLOv5 检测器更轻：设计、训练、对比。</translation>
    </message>
    <message>
        <source>Free software under the GNU Affero General Public License, version 3 or later, without any warranty. It stands on Qt, PyTorch, Ultralytics, OpenCV and OpenVINO.</source>
        <translation>自由软件，以 GNU Affero 通用公共许可证第 3 版或更高版本发布，不附带任何担保。基于 Qt、PyTorch、Ultralytics、OpenCV 和 OpenVINO 构建。</translation>
    </message>
    <message>
        <source>Copy versions</source>
        <translation>复制版本信息</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>AccuracyPlot</name>
    <message>
        <source>mAP50-95 below the best</source>
        <translation>比最佳低的 mAP50-95</translation>
    </message>
</context>
<context>
    <name>Actions</name>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Run</source>
        <translation>运行(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>&amp;New design</source>
        <translation>新建方案(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Open…</source>
        <translation>打开(&amp;O)…</translation>
    </message>
    <message>
        <source>Open a &amp;folder…</source>
        <translation>打开文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>Open &amp;recent</source>
        <translation>最近打开(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>保存(&amp;S)</translation>
    </message>
    <message>
        <source>Save &amp;as…</source>
        <translation>另存为(&amp;A)…</translation>
    </message>
    <message>
        <source>&amp;Preferences…</source>
        <translation>首选项(&amp;P)…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Full screen</source>
        <translation>全屏(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Getting started</source>
        <translation>快速入门(&amp;G)</translation>
    </message>
    <message>
        <source>&amp;User guide</source>
        <translation>用户指南(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;This computer…</source>
        <translation>本机环境(&amp;T)…</translation>
    </message>
    <message>
        <source>Show the &amp;workspace folder</source>
        <translation>打开工作区文件夹(&amp;W)</translation>
    </message>
    <message>
        <source>&amp;About Depthwise Studio</source>
        <translation>关于 Depthwise Studio(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Undo: {action}</source>
        <translation>撤销(&amp;U)：{action}</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Redo: {action}</source>
        <translation>重做(&amp;R)：{action}</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>Clear this list</source>
        <translation>清空列表</translation>
    </message>
    <message>
        <source>No designs yet</source>
        <translation>还没有方案</translation>
    </message>
</context>
<context>
    <name>AddressDialog</name>
    <message>
        <source>Open a stream</source>
        <translation>打开视频流</translation>
    </message>
    <message>
        <source>Address of the stream</source>
        <translation>视频流地址</translation>
    </message>
    <message>
        <source>RTSP cameras, MJPEG over HTTP and other streams that FFmpeg reads. A name and a password may stand in the address, as in rtsp://name:password@camera/live; they are shown and kept nowhere.</source>
        <translation>RTSP 摄像头、HTTP 上的 MJPEG，以及 FFmpeg 能读取的其他视频流。地址中可以写用户名和密码，例如 rtsp://name:password@camera/live；它们不会被显示，也不会被保存。</translation>
    </message>
</context>
<context>
    <name>AdvancedSettings</name>
    <message>
        <source>Advanced settings</source>
        <translation>高级设置</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>调度</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Augmentation</source>
        <translation>数据增强</translation>
    </message>
    <message>
        <source>Machine</source>
        <translation>机器</translation>
    </message>
    <message>
        <source>{about} ({name})</source>
        <translation>{about}（{name}）</translation>
    </message>
    <message>
        <source>Stock defaults</source>
        <translation>恢复原版默认值</translation>
    </message>
    <message>
        <source>Takes back every advanced setting that was changed</source>
        <translation>撤销所有改动过的高级设置</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>In memory</source>
        <translation>在内存中</translation>
    </message>
    <message>
        <source>On disk</source>
        <translation>在磁盘上</translation>
    </message>
    <message>
        <source>Not kept</source>
        <translation>不保留</translation>
    </message>
</context>
<context>
    <name>Answer</name>
    <message>
        <source>This design is open</source>
        <translation>当前方案即此</translation>
    </message>
    <message>
        <source>Take this design</source>
        <translation>采用此方案</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Parameters (M)</source>
        <translation>参数量 (M)</translation>
    </message>
    <message>
        <source>File size (MB)</source>
        <translation>文件大小 (MB)</translation>
    </message>
    <message>
        <source>Milliseconds</source>
        <translation>毫秒</translation>
    </message>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>Asked for, at most</source>
        <translation>目标上限</translation>
    </message>
    <message>
        <source>Reached</source>
        <translation>达到</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>Swaps of the answer</source>
        <translation>答案中的替换</translation>
    </message>
    <message>
        <source>For each layer left alone, the swap that would have risked least for what it saves.</source>
        <translation>对每个未改动的层，列出相对节省而言风险最小的替换。</translation>
    </message>
    <message>
        <source>Set a target at the left.</source>
        <translation>请在左侧设定目标。</translation>
    </message>
    <message>
        <source>The Studio then finds the swaps of least risk that reach it.</source>
        <translation>Studio 会找出达到目标且风险最小的替换。</translation>
    </message>
    <message>
        <source>Reached with {count} swaps. Their risk, {risk}, is proven to be the least.</source>
        <translation>用 {count} 处替换达到。已证明其风险 {risk} 为最小。</translation>
    </message>
    <message>
        <source>Reached with {count} swaps of risk {risk}. The time was up before that was proven to be the least.</source>
        <translation>用 {count} 处替换达到，风险 {risk}。时间已到，尚未证明其为最小。</translation>
    </message>
    <message>
        <source>The standard model reaches that already: nothing has to be replaced.</source>
        <translation>标准模型已达到目标，无需替换。</translation>
    </message>
    <message>
        <source>The risks are guessed from shapes; measure them for your own pictures at the left.</source>
        <translation>风险由形状推测；可在左侧用您自己的图片测量。</translation>
    </message>
    <message>
        <source>The risks were measured with {source}.</source>
        <translation>风险测量所用：{source}。</translation>
    </message>
    <message>
        <source>{count} of them are guesses (?).</source>
        <translation>其中 {count} 个为推测 (?)。</translation>
    </message>
    <message>
        <source>Replaced ({count})</source>
        <translation>已替换 ({count})</translation>
    </message>
    <message>
        <source>Left alone ({count})</source>
        <translation>未改动 ({count})</translation>
    </message>
</context>
<context>
    <name>AnswerModel</name>
    <message>
        <source>Layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Becomes</source>
        <translation>改为</translation>
    </message>
    <message>
        <source>Saves GFLOPs</source>
        <translation>省 GFLOPs</translation>
    </message>
    <message>
        <source>Saves params (M)</source>
        <translation>省参数 (M)</translation>
    </message>
    <message>
        <source>Saves ms</source>
        <translation>省 ms</translation>
    </message>
    <message>
        <source>Milliseconds that the swap saves on the chosen runtime.</source>
        <translation>此替换在所选推理后端上节省的毫秒数。</translation>
    </message>
    <message>
        <source>Risk</source>
        <translation>风险</translation>
    </message>
    <message>
        <source>Mean squared movement of the predictions; ? marks a guess. Risks add up.</source>
        <translation>预测值的均方变动；? 表示推测。风险可以相加。</translation>
    </message>
    <message>
        <source>Of all</source>
        <translation>占比</translation>
    </message>
    <message>
        <source>Its share of the risk of the whole design.</source>
        <translation>占整个方案风险的比例。</translation>
    </message>
    <message>
        <source>{kind} (locked)</source>
        <translation>{kind}（已锁定）</translation>
    </message>
    <message>
        <source>Its risk is not known.</source>
        <translation>风险未知。</translation>
    </message>
    <message>
        <source>Guessed from shapes: what such a block typically leaves unexplained.</source>
        <translation>由形状推测：这类块通常无法复现的部分。</translation>
    </message>
    <message>
        <source>Measured: the mAP50-95 that this swap alone costs.</source>
        <translation>实测：仅此一处替换损失的 mAP50-95。</translation>
    </message>
    <message>
        <source>Measured. {share} % of the output&apos;s energy is left unexplained.</source>
        <translation>实测。有 {share}% 的输出能量未能复现。</translation>
    </message>
</context>
<context>
    <name>BaseChooser</name>
    <message>
        <source>Base model</source>
        <translation>基础模型</translation>
    </message>
    <message>
        <source>Base models by family and scale</source>
        <translation>按系列和规模排列的基础模型</translation>
    </message>
    <message>
        <source>Search for a base model</source>
        <translation>搜索基础模型</translation>
    </message>
    <message>
        <source>Search, such as v8n or p2</source>
        <translation>搜索，如 v8n 或 p2</translation>
    </message>
    <message>
        <source>No base model is called so.</source>
        <translation>没有这样的基础模型。</translation>
    </message>
    <message>
        <source>Open a model YAML…</source>
        <translation>打开模型 YAML…</translation>
    </message>
</context>
<context>
    <name>BenchModel</name>
    <message>
        <source>How many times as fast as the first model, with its 95 % interval</source>
        <translation>相对第一个模型的速度倍数，附 95 % 区间</translation>
    </message>
    <message>
        <source>No other trained row is as accurate and faster</source>
        <translation>没有其他训练过的行同样准确而且更快</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Runtime</source>
        <translation>推理后端</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>mAP50-95</source>
        <translation>mAP50-95</translation>
    </message>
    <message>
        <source>mAP50</source>
        <translation>mAP50</translation>
    </message>
    <message>
        <source>Parameters, M</source>
        <translation>参数量，M</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>File, MB</source>
        <translation>文件 (MB)</translation>
    </message>
    <message>
        <source>p50, ms</source>
        <translation>p50 (ms)</translation>
    </message>
    <message>
        <source>p95, ms</source>
        <translation>p95 (ms)</translation>
    </message>
    <message>
        <source>Speed-up</source>
        <translation>加速比</translation>
    </message>
    <message>
        <source>Front</source>
        <translation>前沿</translation>
    </message>
    <message>
        <source>{name} (untrained)</source>
        <translation>{name}（未训练）</translation>
    </message>
    <message>
        <source>refused</source>
        <translation>被拒绝</translation>
    </message>
    <message>
        <source>Something else used {share} % of the processors meanwhile: the milliseconds are not kept.</source>
        <translation>期间其他程序占用了 {share} % 的处理器：毫秒数不保留。</translation>
    </message>
    <message>
        <source>A plain model that nobody trained: its cost and speed count, it has no accuracy.</source>
        <translation>未经训练的普通模型：只看开销和速度，没有准确度。</translation>
    </message>
</context>
<context>
    <name>BenchPlot</name>
    <message>
        <source>mAP50-95 below the best</source>
        <translation>比最佳低的 mAP50-95</translation>
    </message>
</context>
<context>
    <name>BenchPlotView</name>
    <message>
        <source>Triangles on the axis: plain models that nobody trained.</source>
        <translation>轴上的三角：未经训练的普通模型。</translation>
    </message>
    <message>
        <source>Not known yet.</source>
        <translation>尚不清楚。</translation>
    </message>
    <message>
        <source>mAP50-95 {score}</source>
        <translation>mAP50-95 {score}</translation>
    </message>
    <message>
        <source>Milliseconds here</source>
        <translation>本机毫秒数</translation>
    </message>
    <message>
        <source>Parameters, M</source>
        <translation>参数量，M</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>File, MB</source>
        <translation>文件 (MB)</translation>
    </message>
    <message>
        <source>Cost</source>
        <translation>开销</translation>
    </message>
</context>
<context>
    <name>BenchTable</name>
    <message>
        <source>Bench of models</source>
        <translation>模型基准测试</translation>
    </message>
</context>
<context>
    <name>BenchWindow</name>
    <message>
        <source>Stopped. What was measured is kept: start again to go on.</source>
        <translation>已停止。测得的结果已保留：再次开始即可继续。</translation>
    </message>
    <message>
        <source>{doing}: {name}</source>
        <translation>{doing}：{name}</translation>
    </message>
    <message>
        <source>{doing}, {left} left</source>
        <translation>{doing}，剩余 {left}</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>Choose two rows of trained models.</source>
        <translation>请选择两行训练过的模型。</translation>
    </message>
    <message>
        <source>{count} models. Accuracy first, then milliseconds on a quiet machine.</source>
        <translation>{count} 个模型。先测准确度，再在机器空闲时测毫秒数。</translation>
    </message>
    <message>
        <source>{pictures} pictures of {split} in {data}; {machine}, {threads} threads.</source>
        <translation>{data} 中 {split} 的 {pictures} 张图片；{machine}，{threads} 个线程。</translation>
    </message>
    <message>
        <source>* Disturbed: measured again the next time.</source>
        <translation>* 受到干扰：下次重新测量。</translation>
    </message>
    <message>
        <source>Save the table</source>
        <translation>保存表格</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>{path} is written.</source>
        <translation>已写入 {path}。</translation>
    </message>
    <message>
        <source>Bench of models</source>
        <translation>模型基准测试</translation>
    </message>
    <message>
        <source>Data that accuracy is measured on</source>
        <translation>测量准确度所用的数据</translation>
    </message>
    <message>
        <source>Split that accuracy is measured on</source>
        <translation>测量准确度所用的子集</translation>
    </message>
    <message>
        <source>Plain rivals</source>
        <translation>普通对手</translation>
    </message>
    <message>
        <source>Beside lightweight models, plain ones of about the same cost: untrained, for speed alone</source>
        <translation>在轻量模型旁列出开销相近的普通模型：未训练，只比速度</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Filter the rows</source>
        <translation>筛选行</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Save table</source>
        <translation>保存表格</translation>
    </message>
</context>
<context>
    <name>BlockPicture</name>
    <message>
        <source>Ordinary convolution</source>
        <translation>普通卷积</translation>
    </message>
    <message>
        <source>{type} as it is</source>
        <translation>原样的 {type}</translation>
    </message>
    <message>
        <source>{count} weights</source>
        <translation>{count} 个权重</translation>
    </message>
</context>
<context>
    <name>CameraDialog</name>
    <message>
        <source>Settings of {camera}</source>
        <translation>{camera} 的设置</translation>
    </message>
    <message>
        <source>As the camera likes</source>
        <translation>由摄像头决定</translation>
    </message>
    <message>
        <source>{fps} pictures/s</source>
        <translation>{fps} 帧/秒</translation>
    </message>
    <message>
        <source>Show it as a mirror</source>
        <translation>镜像显示</translation>
    </message>
    <message>
        <source>Picture size</source>
        <translation>画面尺寸</translation>
    </message>
    <message>
        <source>Rate</source>
        <translation>帧率</translation>
    </message>
    <message>
        <source>A camera takes what comes nearest. The detectors see its picture scaled to their own size.</source>
        <translation>摄像头会采用最接近的设置。检测器看到的是缩放到各自尺寸的画面。</translation>
    </message>
</context>
<context>
    <name>Canvas</name>
    <message>
        <source>No layer is called so.</source>
        <translation>没有这样的层。</translation>
    </message>
    <message>
        <source>Find a layer</source>
        <translation>查找层</translation>
    </message>
    <message>
        <source>Rows of the table</source>
        <translation>表格显示的行</translation>
    </message>
    <message>
        <source>All rows</source>
        <translation>全部行</translation>
    </message>
    <message>
        <source>What can be replaced</source>
        <translation>可替换的</translation>
    </message>
    <message>
        <source>What is replaced</source>
        <translation>已替换的</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Show everything</source>
        <translation>显示全部</translation>
    </message>
</context>
<context>
    <name>CardHint</name>
    <message>
        <source>The sample&apos;s detectors know six objects. Print them on a card and show it to the camera.</source>
        <translation>示例检测器认识六种物体。可将它们打印成卡片，举到摄像头前。</translation>
    </message>
    <message>
        <source>Print the sample card…</source>
        <translation>打印示例卡片…</translation>
    </message>
    <message>
        <source>Hide this hint</source>
        <translation>隐藏此提示</translation>
    </message>
</context>
<context>
    <name>Choices</name>
    <message>
        <source>{name}, {activation}, {count} swapped</source>
        <translation>{name}，{activation}，替换 {count} 处</translation>
    </message>
    <message>
        <source>{name}, {count} swapped</source>
        <translation>{name}，替换 {count} 处</translation>
    </message>
    <message>
        <source>{name}, standard</source>
        <translation>{name}，标准</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Built-in sample</source>
        <translation>内置示例</translation>
    </message>
    <message>
        <source>Edit on the Design page</source>
        <translation>在“设计”页中编辑</translation>
    </message>
    <message>
        <source>Recent designs</source>
        <translation>最近的方案</translation>
    </message>
    <message>
        <source>Presets</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Recent data</source>
        <translation>最近的数据集</translation>
    </message>
    <message>
        <source>Choose a data set…</source>
        <translation>选择数据集…</translation>
    </message>
    <message>
        <source>Data sets ({patterns})</source>
        <translation>数据集 ({patterns})</translation>
    </message>
    <message>
        <source>Look at it on the Data page</source>
        <translation>在“数据”页中查看</translation>
    </message>
    <message>
        <source>Choose a data set</source>
        <translation>选择数据集</translation>
    </message>
</context>
<context>
    <name>ClassList</name>
    <message>
        <source>Find a class</source>
        <translation>查找类别</translation>
    </message>
    <message>
        <source>Classes shown</source>
        <translation>显示的类别</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全选</translation>
    </message>
    <message>
        <source>None</source>
        <translation>全不选</translation>
    </message>
</context>
<context>
    <name>ClassModel</name>
    <message>
        <source>{count} boxes</source>
        <translation>{count} 个框</translation>
    </message>
</context>
<context>
    <name>ClassesButton</name>
    <message>
        <source>All classes</source>
        <translation>全部类别</translation>
    </message>
    <message>
        <source>{shown} of {count} classes</source>
        <translation>{shown} / {count} 个类别</translation>
    </message>
    <message>
        <source>Boxes of other classes are not shown and not counted (C)</source>
        <translation>其他类别的框不显示，也不计数 (C)</translation>
    </message>
</context>
<context>
    <name>CompareActions</name>
    <message>
        <source>One picture back</source>
        <translation>后退一帧</translation>
    </message>
    <message>
        <source>One picture on</source>
        <translation>前进一帧</translation>
    </message>
    <message>
        <source>Begin again at the end</source>
        <translation>到结尾后重新开始</translation>
    </message>
    <message>
        <source>Play slower</source>
        <translation>放慢播放</translation>
    </message>
    <message>
        <source>Play faster</source>
        <translation>加快播放</translation>
    </message>
    <message>
        <source>Begin the statistics anew</source>
        <translation>重新开始统计</translation>
    </message>
    <message>
        <source>Take a snapshot</source>
        <translation>截图</translation>
    </message>
    <message>
        <source>Record both views</source>
        <translation>录制两侧画面</translation>
    </message>
    <message>
        <source>Copy the numbers</source>
        <translation>复制数值</translation>
    </message>
    <message>
        <source>Write a report…</source>
        <translation>生成报告…</translation>
    </message>
    <message>
        <source>Print the sample card…</source>
        <translation>打印示例卡片…</translation>
    </message>
    <message>
        <source>Which layers cost what…</source>
        <translation>各层的开销…</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>左右并排</translation>
    </message>
    <message>
        <source>One picture with a divider</source>
        <translation>单幅画面加分隔线</translation>
    </message>
    <message>
        <source>One above the other</source>
        <translation>上下排列</translation>
    </message>
    <message>
        <source>Next way of viewing</source>
        <translation>切换显示方式</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Show the whole picture</source>
        <translation>显示整幅画面</translation>
    </message>
    <message>
        <source>Pictures in full screen</source>
        <translation>全屏显示画面</translation>
    </message>
    <message>
        <source>Choose the classes shown…</source>
        <translation>选择显示的类别…</translation>
    </message>
</context>
<context>
    <name>CompareFront</name>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Opening the source…</source>
        <translation>正在打开输入源…</translation>
    </message>
    <message>
        <source>Preparing the left detector…</source>
        <translation>正在准备左侧检测器…</translation>
    </message>
    <message>
        <source>Preparing the right detector…</source>
        <translation>正在准备右侧检测器…</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Play</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>Press Play to compare.</source>
        <translation>点击“播放”开始对比。</translation>
    </message>
    <message>
        <source>Choose a detector.</source>
        <translation>请选择检测器。</translation>
    </message>
    <message>
        <source>It is being opened again…</source>
        <translation>正在重新打开…</translation>
    </message>
    <message>
        <source>Playing</source>
        <translation>播放中</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>At the end</source>
        <translation>已到结尾</translation>
    </message>
    <message>
        <source>The source gives no pictures</source>
        <translation>输入源没有画面</translation>
    </message>
    <message>
        <source>It could not be started; the message above says why.</source>
        <translation>无法启动，原因见上方消息。</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>输入源</translation>
    </message>
    <message>
        <source>Picture with the left detector&apos;s boxes</source>
        <translation>带左侧检测框的画面</translation>
    </message>
    <message>
        <source>Picture with the right detector&apos;s boxes</source>
        <translation>带右侧检测框的画面</translation>
    </message>
    <message>
        <source>Picture with the boxes of both detectors, apart at a line</source>
        <translation>以分隔线分开、带两侧检测框的画面</translation>
    </message>
</context>
<context>
    <name>ComparePage</name>
    <message>
        <source>Choose two detectors first.</source>
        <translation>请先选择两个检测器。</translation>
    </message>
    <message>
        <source>The sample&apos;s pair, two runs, or any .pt of a YOLOv5u.</source>
        <translation>可选示例自带的一对、两次训练的结果，或任意 YOLOv5u 的 .pt 权重。</translation>
    </message>
    <message>
        <source>Snapshot saved: {name}</source>
        <translation>截图已保存：{name}</translation>
    </message>
    <message>
        <source>The two detectors know different classes.</source>
        <translation>两个检测器的类别不同。</translation>
    </message>
    <message>
        <source>Compare on the sample clip</source>
        <translation>用示例视频对比</translation>
    </message>
</context>
<context>
    <name>CompareScreen</name>
    <message>
        <source>ms · {rate} fps alone</source>
        <translation>ms · 单独可达 {rate} 帧/秒</translation>
    </message>
    <message>
        <source>ms</source>
        <translation>ms</translation>
    </message>
    <message>
        <source>{rate} pairs/s on the same pictures</source>
        <translation>在相同画面上 {rate} 对/秒</translation>
    </message>
</context>
<context>
    <name>CompareStrip</name>
    <message>
        <source>Differences only</source>
        <translation>仅差异</translation>
    </message>
    <message>
        <source>The table shows only what differs.</source>
        <translation>表格只显示不同之处。</translation>
    </message>
    <message>
        <source>Stop comparing</source>
        <translation>停止对比</translation>
    </message>
    <message>
        <source>The same as {name}.</source>
        <translation>与“{name}”相同。</translation>
    </message>
    <message>
        <source>{count} replaced only here (+)</source>
        <translation>{count} 处仅此方案替换 (+)</translation>
    </message>
    <message>
        <source>{count} only there (−)</source>
        <translation>{count} 处仅对方替换 (−)</translation>
    </message>
    <message>
        <source>{count} otherwise (≠)</source>
        <translation>{count} 处类型不同 (≠)</translation>
    </message>
    <message>
        <source>activation {here} instead of {there}</source>
        <translation>激活函数为 {here}，而非 {there}</translation>
    </message>
    <message>
        <source>Against {name}: {ways}; {flops} GFLOPs, {parameters} parameters.</source>
        <translation>与“{name}”相比：{ways}；GFLOPs {flops}，参数量 {parameters}。</translation>
    </message>
    <message>
        <source>{count} of its modules are not in this base model ({base} there).</source>
        <translation>对方有 {count} 个模块在此基础模型中不存在（对方为 {base}）。</translation>
    </message>
</context>
<context>
    <name>Comparison</name>
    <message>
        <source>Stop comparing</source>
        <translation>停止对比</translation>
    </message>
    <message>
        <source>Standard model</source>
        <translation>标准模型</translation>
    </message>
    <message>
        <source>the standard model</source>
        <translation>标准模型</translation>
    </message>
    <message>
        <source>As it was saved</source>
        <translation>上次保存的状态</translation>
    </message>
    <message>
        <source>the saved design</source>
        <translation>已保存的方案</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>A design file…</source>
        <translation>方案文件…</translation>
    </message>
    <message>
        <source>Compare with a design</source>
        <translation>与方案对比</translation>
    </message>
    <message>
        <source>Designs ({patterns})</source>
        <translation>方案 ({patterns})</translation>
    </message>
</context>
<context>
    <name>ConfusionView</name>
    <message>
        <source>background</source>
        <translation>背景</translation>
    </message>
    <message>
        <source>Confusion of {name}</source>
        <translation>{name} 的混淆矩阵</translation>
    </message>
    <message>
        <source>rows: predicted, columns: true</source>
        <translation>行：预测，列：真实</translation>
    </message>
</context>
<context>
    <name>CrashDialog</name>
    <message>
        <source>Something went wrong</source>
        <translation>出错了</translation>
    </message>
    <message>
        <source>Something went wrong inside the Studio.</source>
        <translation>Studio 内部发生错误。</translation>
    </message>
    <message>
        <source>Your design has been kept. You may go on; if things look odd, close the Studio and start it again. Please send the text below with a report.</source>
        <translation>您的方案已保留，可以继续使用；如有异常，请关闭 Studio 后重新启动。反馈问题时请附上以下内容。</translation>
    </message>
    <message>
        <source>Reason of the failure</source>
        <translation>错误原因</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close the Studio</source>
        <translation>关闭 Studio</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>CurvesPane</name>
    <message>
        <source>Mean of the classes</source>
        <translation>各类别平均</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>类别</translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message>
        <source>Check of {name}</source>
        <translation>检查 {name}</translation>
    </message>
    <message>
        <source>Data sets ({patterns})</source>
        <translation>数据集 ({patterns})</translation>
    </message>
    <message>
        <source>Open a data set</source>
        <translation>打开数据集</translation>
    </message>
    <message>
        <source>New folder for the corrected copy</source>
        <translation>修正副本的新文件夹</translation>
    </message>
    <message>
        <source>Corrected copy of {name}</source>
        <translation>{name} 的修正副本</translation>
    </message>
    <message>
        <source>Open the folder of a data set</source>
        <translation>打开数据集文件夹</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Sample</source>
        <translation>示例</translation>
    </message>
    <message>
        <source>The built-in sample: things on a table, drawn by the Studio.</source>
        <translation>内置示例：由 Studio 绘制的桌面物品。</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>重新检查</translation>
    </message>
    <message>
        <source>Look through the pictures and labels once more (F5).</source>
        <translation>重新检查图片和标签 (F5)。</translation>
    </message>
    <message>
        <source>Use in Train</source>
        <translation>用于训练</translation>
    </message>
    <message>
        <source>Go on to the Train page with this data set.</source>
        <translation>用此数据集前往“训练”页。</translation>
    </message>
    <message>
        <source>Open a data set…</source>
        <translation>打开数据集…</translation>
    </message>
    <message>
        <source>Open the folder of a data set…</source>
        <translation>打开数据集文件夹…</translation>
    </message>
    <message>
        <source>Check the data set again</source>
        <translation>重新检查数据集</translation>
    </message>
    <message>
        <source>The corrected copy is in {folder}: {count} changes, listed in changes.csv.</source>
        <translation>修正副本在 {folder}：共 {count} 处改动，列于 changes.csv。</translation>
    </message>
    <message>
        <source>Drop a folder, a data.yaml, a COCO JSON file or a zip archive here: YOLO, Pascal VOC or COCO.</source>
        <translation>把文件夹、data.yaml、COCO JSON 文件或 zip 压缩包拖到这里：YOLO、Pascal VOC 或 COCO。</translation>
    </message>
    <message>
        <source>Open a data set to see what is in it.</source>
        <translation>打开数据集，查看其中的内容。</translation>
    </message>
    <message>
        <source>Use the sample</source>
        <translation>使用示例</translation>
    </message>
    <message>
        <source>Looking through {name}…</source>
        <translation>正在检查 {name}…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Open another…</source>
        <translation>打开其他…</translation>
    </message>
    <message>
        <source>{format}, {counts} pictures</source>
        <translation>{format}，{counts} 张图片</translation>
    </message>
    <message>
        <source>{counts}, split by the Studio</source>
        <translation>{counts}，由软件划分</translation>
    </message>
    <message>
        <source>Train, validation and test pictures were chosen by the Studio, the same ones every time; pictures that are nearly the same stay in one split.</source>
        <translation>训练、验证和测试图片由软件选定，每次都相同；几乎相同的图片在同一划分中。</translation>
    </message>
    <message>
        <source>Pictures to train, to validate and to test, as the data set says.</source>
        <translation>训练、验证和测试图片，按数据集的划分。</translation>
    </message>
    <message>
        <source>the sample</source>
        <translation>示例</translation>
    </message>
</context>
<context>
    <name>DesignActions</name>
    <message>
        <source>Restore the standard</source>
        <translation>恢复为标准卷积</translation>
    </message>
    <message>
        <source>Choose a kind…</source>
        <translation>选择类型…</translation>
    </message>
    <message>
        <source>Select everything replaceable</source>
        <translation>选择全部可替换项</translation>
    </message>
    <message>
        <source>Select nothing</source>
        <translation>取消选择</translation>
    </message>
    <message>
        <source>Find a layer</source>
        <translation>查找层</translation>
    </message>
    <message>
        <source>Show the whole diagram</source>
        <translation>显示完整结构图</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Open the layer</source>
        <translation>展开该层</translation>
    </message>
    <message>
        <source>Close all layers</source>
        <translation>折叠所有层</translation>
    </message>
    <message>
        <source>Choose the base model…</source>
        <translation>选择基础模型…</translation>
    </message>
    <message>
        <source>Duplicate the design</source>
        <translation>复制方案</translation>
    </message>
    <message>
        <source>Rename the design…</source>
        <translation>重命名方案…</translation>
    </message>
    <message>
        <source>Write notes</source>
        <translation>写备注</translation>
    </message>
    <message>
        <source>Export the cost table…</source>
        <translation>导出开销表…</translation>
    </message>
    <message>
        <source>Export the diagram…</source>
        <translation>导出结构图…</translation>
    </message>
    <message>
        <source>Export a model YAML for ultralytics…</source>
        <translation>导出 ultralytics 模型 YAML…</translation>
    </message>
    <message>
        <source>Export a model YAML for the YOLOv5 repository…</source>
        <translation>导出 YOLOv5 仓库的模型 YAML…</translation>
    </message>
    <message>
        <source>Open a model YAML…</source>
        <translation>打开模型 YAML…</translation>
    </message>
    <message>
        <source>Measure the milliseconds</source>
        <translation>测量毫秒数</translation>
    </message>
    <message>
        <source>Measure this machine</source>
        <translation>测量本机</translation>
    </message>
    <message>
        <source>Measure with another runtime…</source>
        <translation>用其他推理后端测量…</translation>
    </message>
    <message>
        <source>Load another device&apos;s table…</source>
        <translation>载入其他设备的延迟表…</translation>
    </message>
    <message>
        <source>Show the roofline</source>
        <translation>显示屋顶线</translation>
    </message>
    <message>
        <source>Reach a target…</source>
        <translation>达到目标…</translation>
    </message>
    <message>
        <source>Lock against reaching</source>
        <translation>锁定（不参与目标）</translation>
    </message>
    <message>
        <source>Close the layer</source>
        <translation>折叠该层</translation>
    </message>
    <message>
        <source>Unlock</source>
        <translation>解锁</translation>
    </message>
    <message>
        <source>Not here</source>
        <translation>此处不适用</translation>
    </message>
    <message>
        <source>{kind}: {reason}</source>
        <translation>{kind}：{reason}</translation>
    </message>
    <message>
        <source>Select a layer first.</source>
        <translation>请先选择一层。</translation>
    </message>
    <message>
        <source>{module}: {reason}</source>
        <translation>{module}：{reason}</translation>
    </message>
</context>
<context>
    <name>DesignActivation</name>
    <message>
        <source>Activation: {name}</source>
        <translation>激活函数：{name}</translation>
    </message>
    <message>
        <source>Activation</source>
        <translation>激活函数</translation>
    </message>
    <message>
        <source>{name}, as in the base model</source>
        <translation>{name}（与基础模型相同）</translation>
    </message>
</context>
<context>
    <name>DesignEdits</name>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>{kind} on {path}</source>
        <translation>{path} 改为“{kind}”</translation>
    </message>
    <message>
        <source>{kind} on {count} convolutions</source>
        <translation>{kind}（{count} 个卷积）</translation>
    </message>
    <message>
        <source>{kind} on {count} whole modules</source>
        <translation>{kind}（{count} 个整模块）</translation>
    </message>
    <message>
        <source>{kind} on {count} modules</source>
        <translation>{kind}（{count} 个模块）</translation>
    </message>
    <message>
        <source>{kind}, as a whole</source>
        <translation>{kind}（整个模块）</translation>
    </message>
</context>
<context>
    <name>DesignFiles</name>
    <message>
        <source>Saved as {name}.</source>
        <translation>已保存为 {name}。</translation>
    </message>
    <message>
        <source>You go on with the copy {name}; {before} stays as it was saved.</source>
        <translation>之后编辑的是副本 {name}，{before} 保持上次保存的状态。</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>CSV ({patterns})</source>
        <translation>CSV ({patterns})</translation>
    </message>
    <message>
        <source>Markdown ({patterns})</source>
        <translation>Markdown ({patterns})</translation>
    </message>
    <message>
        <source>LaTeX ({patterns})</source>
        <translation>LaTeX ({patterns})</translation>
    </message>
    <message>
        <source>Export the cost table</source>
        <translation>导出开销表</translation>
    </message>
    <message>
        <source>SVG picture ({patterns})</source>
        <translation>SVG 图片 ({patterns})</translation>
    </message>
    <message>
        <source>PNG picture ({patterns})</source>
        <translation>PNG 图片 ({patterns})</translation>
    </message>
    <message>
        <source>Export the diagram</source>
        <translation>导出结构图</translation>
    </message>
    <message>
        <source>Export a model YAML for ultralytics</source>
        <translation>导出 ultralytics 模型 YAML</translation>
    </message>
    <message>
        <source>Export a model YAML for the YOLOv5 repository</source>
        <translation>导出 YOLOv5 仓库的模型 YAML</translation>
    </message>
    <message>
        <source>Model YAML ({patterns})</source>
        <translation>模型 YAML ({patterns})</translation>
    </message>
    <message>
        <source>Open a model YAML</source>
        <translation>打开模型 YAML</translation>
    </message>
    <message>
        <source>{name} is {base} with {count} replacements.</source>
        <translation>{name} 是含 {count} 处替换的 {base}。</translation>
    </message>
    <message>
        <source>Written: {name}.</source>
        <translation>已写入 {name}。</translation>
    </message>
</context>
<context>
    <name>DesignLatency</name>
    <message>
        <source>{machine} is another device: measure there, and load the table that it writes.</source>
        <translation>{machine} 是另一台设备：请在那里测量，再载入所生成的延迟表。</translation>
    </message>
    <message>
        <source>This machine is measured: every design on this base model can be predicted now.</source>
        <translation>本机已测量：现在可以预测此基础模型上的任何方案。</translation>
    </message>
    <message>
        <source>Measure this machine</source>
        <translation>测量本机</translation>
    </message>
    <message>
        <source>Measure with another runtime…</source>
        <translation>用其他推理后端测量…</translation>
    </message>
    <message>
        <source>Find the fastest forms</source>
        <translation>寻找最快的形式</translation>
    </message>
    <message>
        <source>Load another device&apos;s table…</source>
        <translation>载入其他设备的延迟表…</translation>
    </message>
    <message>
        <source>Forget {machine}</source>
        <translation>移除 {machine}</translation>
    </message>
    <message>
        <source>Many blocks can run in several ways that compute the same, such as a multiplier unrolled. This measures each, some minutes long; what is loaded, exported and predicted is the fastest from then on.</source>
        <translation>许多模块可以用几种计算结果相同的方式执行，例如把通道倍数展开。此操作用几分钟逐一测量；此后加载、导出和预测都采用最快的一种。</translation>
    </message>
    <message>
        <source>This machine</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>Which device and runtime to predict for.</source>
        <translation>预测所针对的设备和推理后端。</translation>
    </message>
    <message>
        <source>Measures the open design against its standard model, some seconds long.</source>
        <translation>将当前方案与其标准模型对照测量，需数秒。</translation>
    </message>
    <message>
        <source>Measuring this design against its standard model</source>
        <translation>正在将此方案与其标准模型对照测量</translation>
    </message>
    <message>
        <source>{base} was not measured at this input size: this is guessed from what was.</source>
        <translation>{base} 没有在此输入尺寸下测量过，由已有测量推测。</translation>
    </message>
    <message>
        <source>Only {count} models on {base} were measured so far: predictions are rough.</source>
        <translation>{base} 目前只测量了 {count} 个模型，预测较粗略。</translation>
    </message>
</context>
<context>
    <name>DesignPage</name>
    <message>
        <source>Train this design</source>
        <translation>训练此方案</translation>
    </message>
    <message>
        <source>Go on to the Train page with this design.</source>
        <translation>用此方案前往“训练”页。</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>This design has no file yet.</source>
        <translation>此方案还没有文件。</translation>
    </message>
    <message>
        <source>{name}: {flops} GFLOPs, {parameters} M parameters</source>
        <translation>{name}：{flops} GFLOPs，参数量 {parameters} M</translation>
    </message>
    <message>
        <source>Notes</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Base model {base}</source>
        <translation>基础模型 {base}</translation>
    </message>
    <message>
        <source>{count} replacements have no place in {base} and were left out.</source>
        <translation>{count} 处替换在 {base} 中没有对应位置，已略去。</translation>
    </message>
    <message>
        <source>{count} classes</source>
        <translation>{count} 个类别</translation>
    </message>
    <message>
        <source>Classes from data</source>
        <translation>类别数取自数据</translation>
    </message>
    <message>
        <source>Preset: {name}</source>
        <translation>预设：{name}</translation>
    </message>
    <message>
        <source>{kind} does not fit here. {reason}</source>
        <translation>“{kind}”不适用于此处。{reason}</translation>
    </message>
</context>
<context>
    <name>DesignPresets</name>
    <message>
        <source>All 3×3 separable</source>
        <translation>全部 3×3 深度可分离</translation>
    </message>
    <message>
        <source>Backbone separable</source>
        <translation>骨干网络深度可分离</translation>
    </message>
    <message>
        <source>Neck separable</source>
        <translation>颈部深度可分离</translation>
    </message>
    <message>
        <source>Head separable</source>
        <translation>检测头深度可分离</translation>
    </message>
    <message>
        <source>Head classes separable</source>
        <translation>类别分支深度可分离</translation>
    </message>
    <message>
        <source>Ghost</source>
        <translation>Ghost</translation>
    </message>
    <message>
        <source>ShuffleNetV2 backbone</source>
        <translation>ShuffleNetV2 骨干网络</translation>
    </message>
    <message>
        <source>MobileNetV3 backbone</source>
        <translation>MobileNetV3 骨干网络</translation>
    </message>
    <message>
        <source>EfficientNetV2 backbone</source>
        <translation>EfficientNetV2 骨干网络</translation>
    </message>
    <message>
        <source>Seed recipe (stride-2 layers grouped)</source>
        <translation>初始做法（步长 2 的层改为分组）</translation>
    </message>
    <message>
        <source>Balanced</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>Smallest</source>
        <translation>最小</translation>
    </message>
    <message>
        <source>Standard model</source>
        <translation>标准模型</translation>
    </message>
    <message>
        <source>Undoes every replacement.</source>
        <translation>撤销所有替换。</translation>
    </message>
</context>
<context>
    <name>DesignTools</name>
    <message>
        <source>Base model</source>
        <translation>基础模型</translation>
    </message>
    <message>
        <source>Classes</source>
        <translation>类别数</translation>
    </message>
    <message>
        <source>from data</source>
        <translation>取自数据</translation>
    </message>
    <message>
        <source>Number of classes. “From data” leaves it to the training; costs then stand for {count}.</source>
        <translation>类别数。“取自数据”表示训练时再定，此时的开销按 {count} 类计算。</translation>
    </message>
    <message>
        <source>Number of classes</source>
        <translation>类别数</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Take a ready design on this base model.</source>
        <translation>在此基础模型上采用现成方案。</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Show how this design differs from another one.</source>
        <translation>查看此方案与另一方案的差异。</translation>
    </message>
    <message>
        <source>Reach…</source>
        <translation>目标…</translation>
    </message>
    <message>
        <source>Reach a target: let the Studio pick the layers</source>
        <translation>达到目标：由 Studio 挑选层</translation>
    </message>
    <message>
        <source>Duplicate, rename, export</source>
        <translation>复制、重命名、导出</translation>
    </message>
    <message>
        <source>Undo: {action}</source>
        <translation>撤销：{action}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo: {action}</source>
        <translation>重做：{action}</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
</context>
<context>
    <name>DetectorMenu</name>
    <message>
        <source>Sample: standard</source>
        <translation>示例：标准</translation>
    </message>
    <message>
        <source>Sample: lightweight</source>
        <translation>示例：轻量</translation>
    </message>
    <message>
        <source>Other file…</source>
        <translation>其他文件…</translation>
    </message>
    <message>
        <source>A .pt, .onnx or OpenVINO .xml file</source>
        <translation>.pt、.onnx 或 OpenVINO .xml 文件</translation>
    </message>
    <message>
        <source>OpenVINO folder…</source>
        <translation>OpenVINO 文件夹…</translation>
    </message>
    <message>
        <source>Detectors (*.pt *.onnx *.xml)</source>
        <translation>检测器 (*.pt *.onnx *.xml)</translation>
    </message>
    <message>
        <source>Choose an OpenVINO folder</source>
        <translation>选择 OpenVINO 文件夹</translation>
    </message>
    <message>
        <source>Choose a detector</source>
        <translation>选择检测器</translation>
    </message>
</context>
<context>
    <name>DeviceBox</name>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>GPU {index}: {name}</source>
        <translation>GPU {index}：{name}</translation>
    </message>
    <message>
        <source>All GPUs</source>
        <translation>所有 GPU</translation>
    </message>
    <message>
        <source>Apple GPU</source>
        <translation>Apple GPU</translation>
    </message>
</context>
<context>
    <name>Diagram</name>
    <message>
        <source>Diagram of the model</source>
        <translation>模型结构图</translation>
    </message>
    <message>
        <source>Backbone</source>
        <translation>骨干网络</translation>
    </message>
    <message>
        <source>Neck</source>
        <translation>颈部</translation>
    </message>
    <message>
        <source>Head</source>
        <translation>检测头</translation>
    </message>
    <message>
        <source>{count} classes</source>
        <translation>{count} 个类别</translation>
    </message>
    <message>
        <source>{now} % of the standard model&apos;s operations</source>
        <translation>占标准模型运算量的 {now}%</translation>
    </message>
    <message>
        <source>{now} % of the standard model&apos;s operations, before {then} %</source>
        <translation>占标准模型运算量的 {now}%，替换前为 {then}%</translation>
    </message>
    <message>
        <source>Locked: it stays as it is when a target is reached.</source>
        <translation>已锁定：达到目标时保持不变。</translation>
    </message>
    <message>
        <source>Part of {path}, which is replaced as a whole: {kind}</source>
        <translation>属于已整体替换的 {path}：{kind}</translation>
    </message>
    <message>
        <source>{swapped} of {count} convolutions replaced; Enter opens it</source>
        <translation>已替换 {swapped}/{count} 个卷积；按回车展开</translation>
    </message>
    <message>
        <source>It can be replaced as a whole too.</source>
        <translation>也可以整体替换。</translation>
    </message>
</context>
<context>
    <name>DoctorDialog</name>
    <message>
        <source>This computer</source>
        <translation>本机环境</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>复制报告</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Looking at processors, runtimes and cameras…</source>
        <translation>正在检查处理器、推理后端和摄像头…</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新检查</translation>
    </message>
</context>
<context>
    <name>Documents</name>
    <message>
        <source>All that the Studio opens ({patterns})</source>
        <translation>所有支持的文件 ({patterns})</translation>
    </message>
    <message>
        <source>Designs and data sets ({patterns})</source>
        <translation>方案和数据集 ({patterns})</translation>
    </message>
    <message>
        <source>Weights ({patterns})</source>
        <translation>权重 ({patterns})</translation>
    </message>
    <message>
        <source>All files ({patterns})</source>
        <translation>所有文件 ({patterns})</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open a folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Looking at {name}</source>
        <translation>正在检查 {name}</translation>
    </message>
    <message>
        <source>Save the design</source>
        <translation>保存方案</translation>
    </message>
    <message>
        <source>Designs ({patterns})</source>
        <translation>方案 ({patterns})</translation>
    </message>
    <message>
        <source>Unsaved design</source>
        <translation>未保存的方案</translation>
    </message>
    <message>
        <source>The design “{name}” has unsaved changes.</source>
        <translation>方案“{name}”有未保存的更改。</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>放弃更改</translation>
    </message>
    <message>
        <source>The Studio ended unexpectedly. The design “{name}” had unsaved changes.</source>
        <translation>Studio 上次意外退出，方案“{name}”有未保存的更改。</translation>
    </message>
    <message>
        <source>Restore it</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Discard it</source>
        <translation>放弃</translation>
    </message>
    <message>
        <source>The unsaved design is kept as {name}.</source>
        <translation>未保存的方案已另存为 {name}。</translation>
    </message>
    <message>
        <source>Saved as {name}.</source>
        <translation>已保存为 {name}。</translation>
    </message>
    <message>
        <source>The Studio does not know what to do with {name}.</source>
        <translation>Studio 无法处理 {name}。</translation>
    </message>
    <message>
        <source>It opens designs and data sets (.yaml), weights (.pt), latency tables (.json), videos and folders.</source>
        <translation>可以打开方案和数据集 (.yaml)、权重 (.pt)、延迟表 (.json)、视频和文件夹。</translation>
    </message>
</context>
<context>
    <name>EstimateLine</name>
    <message>
        <source>Estimating memory and time</source>
        <translation>正在估算内存和时间</translation>
    </message>
    <message>
        <source>Estimating…</source>
        <translation>正在估算…</translation>
    </message>
    <message>
        <source>Needs {needed} of {free} free; {epoch} an epoch, about {total} in all</source>
        <translation>需要 {needed}，可用 {free}；每轮 {epoch}，总共约 {total}</translation>
    </message>
    <message>
        <source>Batch {batch}. {words}</source>
        <translation>批次 {batch}。{words}</translation>
    </message>
    <message>
        <source>No estimate: {reason}</source>
        <translation>无法估算：{reason}</translation>
    </message>
    <message>
        <source>Estimate</source>
        <translation>估算</translation>
    </message>
    <message>
        <source>Measures memory and time on one step with these pictures</source>
        <translation>用这些图片实测一步所需的内存和时间</translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>{title}.</source>
        <translation>{title}。</translation>
    </message>
    <message>
        <source>Export {name}</source>
        <translation>导出 {name}</translation>
    </message>
    <message>
        <source>Export {count} models</source>
        <translation>导出 {count} 个模型</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>{file} is written: {size}.</source>
        <translation>已写入 {file}：{size}。</translation>
    </message>
    <message>
        <source>Not checked against torch: CoreML runs on macOS alone. Export there to have it checked.</source>
        <translation>未与 torch 核对：CoreML 只能在 macOS 上运行。在 macOS 上导出即可核对。</translation>
    </message>
    <message>
        <source>In its folder: pip install -r requirements.txt, then python detect.py with a picture.</source>
        <translation>在其文件夹中：先运行 pip install -r requirements.txt，再运行 python detect.py 并给出一张图片。</translation>
    </message>
    <message>
        <source>The export was cancelled.</source>
        <translation>导出已取消。</translation>
    </message>
    <message>
        <source>Nothing was written.</source>
        <translation>没有写入任何文件。</translation>
    </message>
    <message>
        <source>{done} of {count} models are written.</source>
        <translation>已写入 {done}/{count} 个模型。</translation>
    </message>
    <message>
        <source>and {count} more</source>
        <translation>另有 {count} 个</translation>
    </message>
    <message>
        <source>{name}: cancelled</source>
        <translation>{name}：已取消</translation>
    </message>
    <message>
        <source>On {pictures} pictures boxes and scores are exactly those of torch.</source>
        <translation>在 {pictures} 张图片上，框和得分与 torch 完全相同。</translation>
    </message>
    <message>
        <source>On {pictures} pictures boxes are at most {pixels} px and scores at most {score} off torch.</source>
        <translation>在 {pictures} 张图片上，与 torch 相比，框最多相差 {pixels} px，得分最多相差 {score}。</translation>
    </message>
    <message>
        <source>Neither finds anything on them with a confidence of 0.25.</source>
        <translation>置信度为 0.25 时，两者都没有在这些图片上检测到任何目标。</translation>
    </message>
    <message>
        <source>Detections: all {total} are the same.</source>
        <translation>检测结果：{total} 个全部相同。</translation>
    </message>
    <message>
        <source>Detections: {agree} of {total} are the same; torch alone has {alone}, the export alone {new}, and {changed} changed their class.</source>
        <translation>检测结果：{total} 个中有 {agree} 个相同；仅 torch 有 {alone} 个，仅导出模型有 {new} 个，{changed} 个类别改变。</translation>
    </message>
</context>
<context>
    <name>ExportOptions</name>
    <message>
        <source>As it was trained</source>
        <translation>与训练时相同</translation>
    </message>
    <message>
        <source>{size} × {size}, as it was trained</source>
        <translation>{size} × {size}，与训练时相同</translation>
    </message>
    <message>
        <source>{width} × {height}, for pictures of {across}:{down}</source>
        <translation>{width} × {height}，适合 {across}:{down} 的图片</translation>
    </message>
    <message>
        <source>Another size</source>
        <translation>其他尺寸</translation>
    </message>
    <message>
        <source>Choose a data set…</source>
        <translation>选择数据集…</translation>
    </message>
    <message>
        <source>Choose the data set whose training pictures INT8 is calibrated with.</source>
        <translation>请选择用其训练图片校准 INT8 的数据集。</translation>
    </message>
    <message>
        <source>Choose a folder</source>
        <translation>选择文件夹</translation>
    </message>
    <message>
        <source>Choose a data set</source>
        <translation>选择数据集</translation>
    </message>
    <message>
        <source>Data sets ({pattern})</source>
        <translation>数据集 ({pattern})</translation>
    </message>
    <message>
        <source>{title} is written for one picture size.</source>
        <translation>{title} 只能按一种画面尺寸写出。</translation>
    </message>
    <message>
        <source>Any multiple of 32 will do. Some runtimes are slower then.</source>
        <translation>任何 32 的倍数都可以。有些推理后端会因此变慢。</translation>
    </message>
    <message>
        <source>The closer it comes to the shape of your pictures, the less is computed.</source>
        <translation>越接近图片的形状，计算量越小。</translation>
    </message>
    <message>
        <source>A folder with the model, its class names, a short script that detects, and a list of the few packages that it needs: it runs without the Studio and without PyTorch.</source>
        <translation>一个文件夹，内含模型、类别名称、用于检测的简短脚本，以及所需的少量软件包清单：无需 Studio 和 PyTorch 即可运行。</translation>
    </message>
    <message>
        <source>A folder with the model, its class names, a short script that detects, and a list of the few packages that it needs: it runs without the Studio.</source>
        <translation>一个文件夹，内含模型、类别名称、用于检测的简短脚本，以及所需的少量软件包清单：无需 Studio 即可运行。</translation>
    </message>
    <message>
        <source>There is none for {title}: its file runs on the kind of GPU that it was made on alone.</source>
        <translation>{title} 没有运行包：其文件只能在生成它的那种 GPU 上运行。</translation>
    </message>
    <message>
        <source>Computes what PyTorch computes.</source>
        <translation>计算结果与 PyTorch 相同。</translation>
    </message>
    <message>
        <source>Half the size. Boxes and scores move a little; the check says how far.</source>
        <translation>大小减半。框和得分会略有变化；核对结果会说明相差多少。</translation>
    </message>
    <message>
        <source>Smallest and often fastest, but it costs accuracy: look at the check, and measure it with the bench.</source>
        <translation>最小，往往也最快，但会损失准确度：请查看核对结果，并用基准测试测量。</translation>
    </message>
    <message>
        <source>It is calibrated on training pictures.</source>
        <translation>用训练图片校准。</translation>
    </message>
    <message>
        <source>It is calibrated on the training pictures of the run, which must still be there.</source>
        <translation>用这次训练的训练图片校准，这些图片必须仍然存在。</translation>
    </message>
    <message>
        <source>Weights in</source>
        <translation>权重精度</translation>
    </message>
    <message>
        <source>Calibrated with</source>
        <translation>校准数据</translation>
    </message>
    <message>
        <source>Picture size</source>
        <translation>画面尺寸</translation>
    </message>
    <message>
        <source>Bundle</source>
        <translation>运行包</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Precision of the weights</source>
        <translation>权重精度</translation>
    </message>
    <message>
        <source>Data set that INT8 is calibrated with</source>
        <translation>用于校准 INT8 的数据集</translation>
    </message>
    <message>
        <source>Width in pixels</source>
        <translation>宽度（像素）</translation>
    </message>
    <message>
        <source>Height in pixels</source>
        <translation>高度（像素）</translation>
    </message>
    <message>
        <source>Take any picture size</source>
        <translation>接受任意画面尺寸</translation>
    </message>
    <message>
        <source>Add a script that runs it</source>
        <translation>附带可运行的脚本</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
</context>
<context>
    <name>FailedPage</name>
    <message>
        <source>This page could not be opened. The other pages still work. The reason, for a report:</source>
        <translation>此页面无法打开，其他页面不受影响。原因如下，可用于反馈：</translation>
    </message>
    <message>
        <source>Reason of the failure</source>
        <translation>错误原因</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>Figures</name>
    <message>
        <source>drift {change}</source>
        <translation>漂移 {change}</translation>
    </message>
    <message>
        <source>The last minute&apos;s pictures took longer or shorter than the first minute&apos;s: a warm machine, or another program. Begin the statistics anew once it is steady.</source>
        <translation>最后一分钟的画面比第一分钟耗时更长或更短：机器发热，或有其他程序在运行。稳定后请重新开始统计。</translation>
    </message>
    <message>
        <source>ms, median of inference</source>
        <translation>ms，推理中位时间</translation>
    </message>
    <message>
        <source>preprocess</source>
        <translation>预处理</translation>
    </message>
    <message>
        <source>inference</source>
        <translation>推理</translation>
    </message>
    <message>
        <source>postprocess</source>
        <translation>后处理</translation>
    </message>
    <message>
        <source>p50</source>
        <translation>p50</translation>
    </message>
    <message>
        <source>p95</source>
        <translation>p95</translation>
    </message>
    <message>
        <source>p99</source>
        <translation>p99</translation>
    </message>
    <message>
        <source>ms</source>
        <translation>ms</translation>
    </message>
</context>
<context>
    <name>FindingList</name>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy all</source>
        <translation>全部复制</translation>
    </message>
</context>
<context>
    <name>FindingsCard</name>
    <message>
        <source>Findings</source>
        <translation>检查结果</translation>
    </message>
    <message>
        <source>Errors {count}</source>
        <translation>错误 {count}</translation>
    </message>
    <message>
        <source>Warnings {count}</source>
        <translation>警告 {count}</translation>
    </message>
    <message>
        <source>Notes {count}</source>
        <translation>提示 {count}</translation>
    </message>
    <message>
        <source>Show or hide these findings</source>
        <translation>显示或隐藏这类结果</translation>
    </message>
    <message>
        <source>Nothing to complain about: every picture has a good label.</source>
        <translation>没有发现问题：每张图片的标签都完好。</translation>
    </message>
    <message>
        <source>Fix in a copy…</source>
        <translation>在副本中修正…</translation>
    </message>
    <message>
        <source>Write a corrected YOLO data set into a new folder, with a list of what was changed. Your files stay as they are.</source>
        <translation>把修正后的 YOLO 数据集写入新文件夹，并附改动清单。您的文件保持不变。</translation>
    </message>
</context>
<context>
    <name>FormatsCard</name>
    <message>
        <source>Looking for export formats</source>
        <translation>正在检查导出格式</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>可用</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在检查…</translation>
    </message>
    <message>
        <source>Not known</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>Needs an NVIDIA GPU</source>
        <translation>需要 NVIDIA GPU</translation>
    </message>
    <message>
        <source>Needs {packages}</source>
        <translation>需要 {packages}</translation>
    </message>
    <message>
        <source>{path} is no program. Choose the file python in the folder bin, or python.exe.</source>
        <translation>{path} 不是程序。请选择 bin 文件夹中的 python 文件，或 python.exe。</translation>
    </message>
    <message>
        <source>Choose a Python</source>
        <translation>选择 Python</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>在本机上</translation>
    </message>
    <message>
        <source>Formats</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>Python whose converters are used</source>
        <translation>转换工具所用的 Python</translation>
    </message>
    <message>
        <source>The Studio&apos;s own</source>
        <translation>Studio 自带的</translation>
    </message>
    <message>
        <source>Look again for what is installed</source>
        <translation>重新检查已安装的软件包</translation>
    </message>
    <message>
        <source>Large converters get a Python environment of their own. The Studio runs it in a process of its own, and installs nothing.</source>
        <translation>大型转换工具使用单独的 Python 环境。Studio 在独立的进程中运行它，不会安装任何软件。</translation>
    </message>
</context>
<context>
    <name>FrontierCard</name>
    <message>
        <source>Risk against cost</source>
        <translation>风险与开销</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>ms</source>
        <translation>ms</translation>
    </message>
    <message>
        <source>Draw over {cost}</source>
        <translation>以{cost}为横轴</translation>
    </message>
    <message>
        <source>Looking for the designs of least risk…</source>
        <translation>正在寻找风险最小的方案…</translation>
    </message>
    <message>
        <source>least risk for its cost</source>
        <translation>同等开销下风险最小</translation>
    </message>
    <message>
        <source>the open design</source>
        <translation>当前方案</translation>
    </message>
    <message>
        <source>the answer</source>
        <translation>答案</translation>
    </message>
    <message>
        <source>asked for</source>
        <translation>目标上限</translation>
    </message>
    <message>
        <source>plain models: trained on their own, not converted</source>
        <translation>普通模型：单独训练，不经转换</translation>
    </message>
</context>
<context>
    <name>Gallery</name>
    <message>
        <source>Boxes</source>
        <translation>显示框</translation>
    </message>
    <message>
        <source>Splits</source>
        <translation>子集</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练集</translation>
    </message>
    <message>
        <source>Val</source>
        <translation>验证集</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>测试集</translation>
    </message>
    <message>
        <source>{count} with “{name}”</source>
        <translation>{count} 张含“{name}”</translation>
    </message>
    <message>
        <source>This split has no pictures; see the findings below.</source>
        <translation>此子集没有图片，见下方检查结果。</translation>
    </message>
</context>
<context>
    <name>GraphView</name>
    <message>
        <source>weigh the channels</source>
        <translation>通道加权</translation>
    </message>
    <message>
        <source>{kernel} depthwise</source>
        <translation>{kernel} 深度</translation>
    </message>
    <message>
        <source>{kernel} in {groups} groups</source>
        <translation>{kernel} 分 {groups} 组</translation>
    </message>
    <message>
        <source>1×1 pointwise</source>
        <translation>1×1 逐点</translation>
    </message>
    <message>
        <source>{kernel} dense</source>
        <translation>{kernel} 稠密</translation>
    </message>
</context>
<context>
    <name>GuideDialog</name>
    <message>
        <source>User guide</source>
        <translation>用户指南</translation>
    </message>
    <message>
        <source>The user guide is missing from this installation: {path}</source>
        <translation>安装中缺少用户指南：{path}</translation>
    </message>
</context>
<context>
    <name>HeaderTools</name>
    <message>
        <source>Record</source>
        <translation>录制</translation>
    </message>
    <message>
        <source>Stop recording, {length}</source>
        <translation>停止录制，{length}</translation>
    </message>
    <message>
        <source>Writing…</source>
        <translation>正在写入…</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Snapshot</source>
        <translation>截图</translation>
    </message>
    <message>
        <source>Copy numbers</source>
        <translation>复制数值</translation>
    </message>
</context>
<context>
    <name>HintsCard</name>
    <message>
        <source>What the chosen device dislikes</source>
        <translation>不适合所选设备之处</translation>
    </message>
    <message>
        <source>{arrow} {where}: {count} hints</source>
        <translation>{arrow} {where}：{count} 条建议</translation>
    </message>
    <message>
        <source>{where}: no hints</source>
        <translation>{where}：没有建议</translation>
    </message>
    <message>
        <source>{arrow} {where}: 1 hint</source>
        <translation>{arrow} {where}：1 条建议</translation>
    </message>
    <message>
        <source>{arrow} {where}: {count} hints, {here} on the selection</source>
        <translation>{arrow} {where}：{count} 条建议，所选 {here} 条</translation>
    </message>
    <message>
        <source>and {count} more</source>
        <translation>另有 {count} 个</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>警告</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>提示</translation>
    </message>
    <message>
        <source>Select: {paths}</source>
        <translation>选择：{paths}</translation>
    </message>
    <message>
        <source>Change the activation of the whole model; it can be undone.</source>
        <translation>更改整个模型的激活函数；可以撤销。</translation>
    </message>
    <message>
        <source>Change these modules; it can be undone.</source>
        <translation>更改这些模块，可以撤销。</translation>
    </message>
    <message>
        <source>Restore the standard</source>
        <translation>恢复为标准</translation>
    </message>
    <message>
        <source>Take {kind}</source>
        <translation>改用“{kind}”</translation>
    </message>
</context>
<context>
    <name>HomePage</name>
    <message>
        <source>Welcome</source>
        <translation>欢迎</translation>
    </message>
    <message>
        <source>Make a YOLOv5 detector lighter, and see what it gains and what it costs.</source>
        <translation>让 YOLOv5 检测器更轻，并看清得与失。</translation>
    </message>
    <message>
        <source>See it live</source>
        <translation>实时演示</translation>
    </message>
    <message>
        <source>A standard and a lightweight detector on the same clip, side by side, with their times.</source>
        <translation>标准与轻量检测器并排处理同一段视频，并显示各自耗时。</translation>
    </message>
    <message>
        <source>Play the sample</source>
        <translation>播放示例</translation>
    </message>
    <message>
        <source>Lighten a model</source>
        <translation>模型轻量化</translation>
    </message>
    <message>
        <source>Replace convolutions by depthwise separable ones with a click, and watch the cost fall.</source>
        <translation>一键把卷积换成深度可分离卷积，看着开销降下来。</translation>
    </message>
    <message>
        <source>Start designing</source>
        <translation>开始设计</translation>
    </message>
    <message>
        <source>Open my files</source>
        <translation>打开我的文件</translation>
    </message>
    <message>
        <source>Drop weights, a design, a data set, a folder or a video anywhere on this window.</source>
        <translation>把权重、方案、数据集、文件夹或视频拖到窗口任意位置。</translation>
    </message>
    <message>
        <source>Choose files…</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>folder</source>
        <translation>文件夹</translation>
    </message>
</context>
<context>
    <name>Inspector</name>
    <message>
        <source>Inspector</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Choose a layer in the diagram, then press 1 to make it depthwise separable, 0 to restore it.</source>
        <translation>在结构图中选择一层，按 1 改为深度可分离，按 0 恢复。</translation>
    </message>
    <message>
        <source>The costliest modules</source>
        <translation>开销最大的模块</translation>
    </message>
    <message>
        <source>Nothing selected</source>
        <translation>未选择</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>折叠</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>展开</translation>
    </message>
    <message>
        <source>{count} selected</source>
        <translation>已选 {count} 项</translation>
    </message>
    <message>
        <source>{count} convolutions can be replaced.</source>
        <translation>其中 {count} 个卷积可替换。</translation>
    </message>
    <message>
        <source>{count} convolutions can be replaced, and {wholes} modules as a whole.</source>
        <translation>其中 {count} 个卷积可替换，{wholes} 个模块可整体替换。</translation>
    </message>
    <message>
        <source>backbone</source>
        <translation>骨干网络</translation>
    </message>
    <message>
        <source>neck</source>
        <translation>颈部</translation>
    </message>
    <message>
        <source>head</source>
        <translation>检测头</translation>
    </message>
    <message>
        <source>Part of {path}, which is replaced as a whole: {kind}.</source>
        <translation>属于已整体替换的 {path}：{kind}。</translation>
    </message>
    <message>
        <source>It is: {kind}.</source>
        <translation>现为：{kind}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs ({share} % of all), {parameters} parameters</source>
        <translation>{flops} GFLOPs（占 {share}%），参数量 {parameters}</translation>
    </message>
    <message>
        <source>{swapped} of {count} convolutions replaced.</source>
        <translation>已替换 {swapped}/{count} 个卷积。</translation>
    </message>
    <message>
        <source>Cannot be replaced. {reason}</source>
        <translation>不可替换。{reason}</translation>
    </message>
    <message>
        <source>{modules}: {reason}</source>
        <translation>{modules}：{reason}</translation>
    </message>
    <message>
        <source>{times}× fewer weights</source>
        <translation>权重减少为 1/{times}</translation>
    </message>
    <message>
        <source>No weights are saved.</source>
        <translation>权重没有减少。</translation>
    </message>
    <message>
        <source>{before} → {after} parameters</source>
        <translation>参数量 {before} → {after}</translation>
    </message>
    <message>
        <source>{before} → {after} GFLOPs</source>
        <translation>{before} → {after} GFLOPs</translation>
    </message>
    <message>
        <source>{percent} %</source>
        <translation>{percent}%</translation>
    </message>
</context>
<context>
    <name>Instruments</name>
    <message>
        <source>Boxes that agree, %</source>
        <translation>一致的检测框（%）</translation>
    </message>
    <message>
        <source>Boxes that agree, %: {share} of all</source>
        <translation>一致的检测框（%）：总计 {share}</translation>
    </message>
    <message>
        <source>Larger side of the picture that the networks are given; smaller is faster and finds less</source>
        <translation>送入网络的图片的长边；越小越快，但找到的目标越少</translation>
    </message>
    <message>
        <source>Size as trained</source>
        <translation>训练时的尺寸</translation>
    </message>
    <message>
        <source>Picture size</source>
        <translation>画面尺寸</translation>
    </message>
    <message>
        <source>Inference of every pair, ms</source>
        <translation>逐帧推理时间（ms）</translation>
    </message>
    <message>
        <source>Median of the parts, ms</source>
        <translation>各阶段中位时间（ms）</translation>
    </message>
    <message>
        <source>Appears with the first boxes.</source>
        <translation>出现检测框后显示。</translation>
    </message>
    <message>
        <source>Share of boxes that agree, second by second</source>
        <translation>逐秒的检测框一致比例</translation>
    </message>
    <message>
        <source>Times appear here while it plays.</source>
        <translation>播放时在此显示耗时。</translation>
    </message>
    <message>
        <source>Inference time of both detectors, pair by pair</source>
        <translation>两个检测器的逐帧推理时间</translation>
    </message>
    <message>
        <source>Median time of every part of both detectors</source>
        <translation>两个检测器各阶段的中位时间</translation>
    </message>
    <message>
        <source>preprocess</source>
        <translation>预处理</translation>
    </message>
    <message>
        <source>inference</source>
        <translation>推理</translation>
    </message>
    <message>
        <source>postprocess</source>
        <translation>后处理</translation>
    </message>
    <message>
        <source>Back to where it began</source>
        <translation>恢复默认值</translation>
    </message>
    <message>
        <source>Confidence</source>
        <translation>置信度</translation>
    </message>
    <message>
        <source>Boxes with a lower score are not shown</source>
        <translation>不显示得分低于此值的框</translation>
    </message>
    <message>
        <source>Overlap (IoU)</source>
        <translation>重叠 (IoU)</translation>
    </message>
    <message>
        <source>Of two boxes of a class that overlap more, only the better one is shown</source>
        <translation>同类的两个框重叠超过此值时，只显示得分较高的一个</translation>
    </message>
</context>
<context>
    <name>JudgeWindow</name>
    <message>
        <source>Predicting…</source>
        <translation>正在预测…</translation>
    </message>
    <message>
        <source>Comparing runs</source>
        <translation>正在对比训练记录</translation>
    </message>
    <message>
        <source>Nothing was judged.</source>
        <translation>没有任何评判结果。</translation>
    </message>
    <message>
        <source>{doing}, {left} left</source>
        <translation>{doing}，剩余 {left}</translation>
    </message>
    <message>
        <source>{count} pictures of {split}. 95 % intervals by bootstrap over pictures.</source>
        <translation>{split} 的 {count} 张图片。95 % 区间由对图片的自助法得出。</translation>
    </message>
    <message>
        <source>Nothing differs in the settings.</source>
        <translation>设置没有差异。</translation>
    </message>
    <message>
        <source>Accuracy, with 95 % intervals over pictures</source>
        <translation>准确度，附按图片计算的 95 % 区间</translation>
    </message>
    <message>
        <source>Cost</source>
        <translation>开销</translation>
    </message>
    <message>
        <source>AP50-95 by class</source>
        <translation>按类别的 AP50-95</translation>
    </message>
    <message>
        <source>AP50-95 by size of objects (COCO: 32² and 96² pixels)</source>
        <translation>按目标大小的 AP50-95（COCO：32² 与 96² 像素）</translation>
    </message>
    <message>
        <source>Settings that differ</source>
        <translation>有差异的设置</translation>
    </message>
    <message>
        <source>class</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>setting</source>
        <translation>设置项</translation>
    </message>
    <message>
        <source>precision</source>
        <translation>精确率</translation>
    </message>
    <message>
        <source>recall</source>
        <translation>召回率</translation>
    </message>
    <message>
        <source>parameters, M</source>
        <translation>参数量，M</translation>
    </message>
    <message>
        <source>checkpoint, MB</source>
        <translation>检查点，MB</translation>
    </message>
    <message>
        <source>milliseconds here</source>
        <translation>本机毫秒数</translation>
    </message>
    <message>
        <source>Change against {name}, paired over pictures</source>
        <translation>相对 {name} 的变化（按图片配对）</translation>
    </message>
    <message>
        <source>Save the report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>{path} is written.</source>
        <translation>已写入 {path}。</translation>
    </message>
    <message>
        <source>Runs compared: {names}</source>
        <translation>训练记录对比：{names}</translation>
    </message>
    <message>
        <source>Save report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <source>Split to judge on</source>
        <translation>用于评判的子集</translation>
    </message>
    <message>
        <source>Accuracy</source>
        <translation>准确度</translation>
    </message>
    <message>
        <source>Classes and sizes</source>
        <translation>类别与大小</translation>
    </message>
    <message>
        <source>Curves</source>
        <translation>曲线</translation>
    </message>
    <message>
        <source>Confusion</source>
        <translation>混淆矩阵</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
</context>
<context>
    <name>Keeper</name>
    <message>
        <source>1 picture</source>
        <translation>1 幅画面</translation>
    </message>
    <message>
        <source>{count} pictures</source>
        <translation>{count} 幅画面</translation>
    </message>
    <message>
        <source>The folder {folder} cannot be made: {reason}.</source>
        <translation>无法创建文件夹 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>pictures left out to keep the comparison fast: {count}</source>
        <translation>为保持对比速度而略去的画面：{count} 幅</translation>
    </message>
    <message>
        <source>Recording saved: {name}</source>
        <translation>录制已保存：{name}</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>The numbers are on the clipboard.</source>
        <translation>数值已复制到剪贴板。</translation>
    </message>
    <message>
        <source>As text and as a table: {count} rows.</source>
        <translation>文本和表格形式：{count} 行。</translation>
    </message>
    <message>
        <source>Report (*.html)</source>
        <translation>报告 (*.html)</translation>
    </message>
    <message>
        <source>Write the report</source>
        <translation>生成报告</translation>
    </message>
    <message>
        <source>Report written: {name}</source>
        <translation>报告已生成：{name}</translation>
    </message>
    <message>
        <source>The same figures as JSON and CSV lie beside it.</source>
        <translation>相同的数值以 JSON 和 CSV 格式保存在旁边。</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>The recording ended with the comparison.</source>
        <translation>录制已随对比一起结束。</translation>
    </message>
    <message>
        <source>It lies in the folder of recordings as soon as it is complete.</source>
        <translation>完成后可在录制文件夹中找到。</translation>
    </message>
    <message>
        <source>Drawing the sample card</source>
        <translation>正在绘制示例卡片</translation>
    </message>
    <message>
        <source>The card is ready to print: {name}</source>
        <translation>卡片可以打印了：{name}</translation>
    </message>
    <message>
        <source>Print it on A4, hold it in front of the camera, and press Play.</source>
        <translation>用 A4 纸打印，举到摄像头前，然后按“播放”。</translation>
    </message>
</context>
<context>
    <name>KindPanel</name>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Param.</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>Kinds that fit both replace</source>
        <translation>两者皆适用的类型用于替换</translation>
    </message>
    <message>
        <source>the whole</source>
        <translation>整个模块</translation>
    </message>
    <message>
        <source>what is inside</source>
        <translation>内部卷积</translation>
    </message>
    <message>
        <source>As a whole</source>
        <translation>整体替换</translation>
    </message>
    <message>
        <source>Modules as a whole</source>
        <translation>模块整体替换</translation>
    </message>
    <message>
        <source>{count} convolutions inside</source>
        <translation>内部 {count} 个卷积</translation>
    </message>
    <message>
        <source>Convolutions inside</source>
        <translation>内部卷积</translation>
    </message>
    <message>
        <source>Make them</source>
        <translation>改为</translation>
    </message>
    <message>
        <source>Make it</source>
        <translation>改为</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, {parameters} parameters</source>
        <translation>GFLOPs {flops}，参数量 {parameters}</translation>
    </message>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>Replaces {count} convolutions.</source>
        <translation>替换 {count} 个卷积。</translation>
    </message>
    <message>
        <source>Replaces {wholes} modules as a whole.</source>
        <translation>整体替换 {wholes} 个模块。</translation>
    </message>
    <message>
        <source>Replaces {wholes} modules as a whole and {count} convolutions.</source>
        <translation>整体替换 {wholes} 个模块，并替换 {count} 个卷积。</translation>
    </message>
    <message>
        <source>No change: its channels have no common divisor.</source>
        <translation>没有变化：其通道数没有公约数。</translation>
    </message>
    <message>
        <source>▲ {kind} is heavier than what it replaces: {flops} GFLOPs, {parameters} parameters.</source>
        <translation>▲ “{kind}”比原来更重：GFLOPs {flops}，参数量 {parameters}。</translation>
    </message>
    <message>
        <source>{arrow} Not here ({count})</source>
        <translation>{arrow} 此处不适用 ({count})</translation>
    </message>
    <message>
        <source>{kinds}: {reason}</source>
        <translation>{kinds}：{reason}</translation>
    </message>
</context>
<context>
    <name>KindSearch</name>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>{kind}: {reason}</source>
        <translation>{kind}：{reason}</translation>
    </message>
    <message>
        <source>Block kinds</source>
        <translation>替换类型</translation>
    </message>
    <message>
        <source>Search for a kind</source>
        <translation>搜索类型</translation>
    </message>
    <message>
        <source>Make the selection…</source>
        <translation>把所选改为…</translation>
    </message>
</context>
<context>
    <name>KindsButton</name>
    <message>
        <source>All kinds</source>
        <translation>全部类型</translation>
    </message>
    <message>
        <source>Depthwise separable alone</source>
        <translation>仅深度可分离卷积</translation>
    </message>
    <message>
        <source>Allowed block kinds</source>
        <translation>允许的替换类型</translation>
    </message>
    <message>
        <source>all kinds</source>
        <translation>全部类型</translation>
    </message>
    <message>
        <source>{count} of {total} kinds</source>
        <translation>{count}/{total} 种类型</translation>
    </message>
</context>
<context>
    <name>LatencyCard</name>
    <message>
        <source>Device and runtime: {name}</source>
        <translation>设备和推理后端：{name}</translation>
    </message>
    <message>
        <source>Nothing is replaced: this is the standard model.</source>
        <translation>没有任何替换，就是标准模型。</translation>
    </message>
    <message>
        <source>{p50} (p95 {p95})</source>
        <translation>{p50} (p95 {p95})</translation>
    </message>
    <message>
        <source>Milliseconds of the standard and the lightweight model</source>
        <translation>标准模型与轻量模型的毫秒数</translation>
    </message>
    <message>
        <source>Standard (ms)</source>
        <translation>标准 (ms)</translation>
    </message>
    <message>
        <source>Lightweight (ms)</source>
        <translation>轻量 (ms)</translation>
    </message>
    <message>
        <source>Times as fast</source>
        <translation>加速比</translation>
    </message>
    <message>
        <source>Predicted</source>
        <translation>预测</translation>
    </message>
    <message>
        <source>From what the modules took in other models measured there; in brackets the 90 % interval.</source>
        <translation>由该处测得的其他模型中各模块的耗时得出；括号内为 90% 区间。</translation>
    </message>
    <message>
        <source>Measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>Median and 95th percentile; in brackets behind the speed-up its 95 % interval, from paired calls.</source>
        <translation>中位数和第 95 百分位数；加速比后括号内为成对测量的 95% 置信区间。</translation>
    </message>
    <message>
        <source>What this takes in milliseconds has not been measured on this machine yet.</source>
        <translation>尚未在本机测量此方案的耗时（毫秒）。</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>Roofline</source>
        <translation>屋顶线</translation>
    </message>
    <message>
        <source>Shows which layers wait for memory, and which for arithmetic.</source>
        <translation>显示哪些层受限于内存，哪些受限于算力。</translation>
    </message>
    <message>
        <source>Measure this machine</source>
        <translation>测量本机</translation>
    </message>
    <message>
        <source>Measures some dozens of models in the background, so that every design can be predicted. It takes some minutes, waits for trainings, and can be stopped and continued.</source>
        <translation>在后台测量几十个模型，之后即可预测任何方案。需要几分钟，会等待训练结束，可随时停止再继续。</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>How far the measuring is</source>
        <translation>测量进度</translation>
    </message>
</context>
<context>
    <name>LatencyChoice</name>
    <message>
        <source>{machine}: {where}</source>
        <translation>{machine}：{where}</translation>
    </message>
    <message>
        <source>{where} on {device}</source>
        <translation>{where}，{device}</translation>
    </message>
    <message>
        <source>{where}, {count} threads</source>
        <translation>{where}，{count} 线程</translation>
    </message>
    <message>
        <source>{where}, 1 thread</source>
        <translation>{where}，1 线程</translation>
    </message>
    <message>
        <source>{machine}, {where}, device {device}, threads {threads}, pictures per call {batch}</source>
        <translation>{machine}，{where}，设备 {device}，线程 {threads}，每次图片数 {batch}</translation>
    </message>
</context>
<context>
    <name>LatencyForms</name>
    <message>
        <source>Building the first model</source>
        <translation>正在构建第一个模型</translation>
    </message>
    <message>
        <source>Trying the forms of {kind}: {done} of {total} measured</source>
        <translation>正在试验{kind}的各种形式：已测量 {done}/{total}</translation>
    </message>
    <message>
        <source>as it is</source>
        <translation>保持原样</translation>
    </message>
    <message>
        <source>unrolled</source>
        <translation>展开</translation>
    </message>
    <message>
        <source>with its multiplier</source>
        <translation>保留通道倍数</translation>
    </message>
    <message>
        <source>merged</source>
        <translation>合并分支</translation>
    </message>
    <message>
        <source>as one dense convolution</source>
        <translation>合成一个稠密卷积</translation>
    </message>
    <message>
        <source>Fastest on {where}: {forms}.</source>
        <translation>在 {where} 上最快的形式：{forms}。</translation>
    </message>
    <message>
        <source>All others keep their usual form.</source>
        <translation>其余保持通常的形式。</translation>
    </message>
    <message>
        <source>On {where} every block kind is fastest in its usual form.</source>
        <translation>在 {where} 上，每种模块都以通常的形式最快。</translation>
    </message>
    <message>
        <source>Other programs used the machine while {count} of {total} were measured: these stay as they were.</source>
        <translation>测量 {total} 项中的 {count} 项时有其他程序占用电脑：这些保持不变。</translation>
    </message>
    <message>
        <source>{kind} {form} ({ratio})</source>
        <translation>{kind}{form}（{ratio}）</translation>
    </message>
</context>
<context>
    <name>LatencyJobs</name>
    <message>
        <source>Measuring this machine</source>
        <translation>正在测量本机</translation>
    </message>
    <message>
        <source>Trying equivalent forms</source>
        <translation>正在试验等价形式</translation>
    </message>
    <message>
        <source>Measuring this design</source>
        <translation>正在测量此方案</translation>
    </message>
    <message>
        <source>Measuring memory and arithmetic</source>
        <translation>正在测量内存带宽和算力</translation>
    </message>
    <message>
        <source>Waiting until the training ends</source>
        <translation>等待训练结束</translation>
    </message>
    <message>
        <source>Waiting until the comparison ends</source>
        <translation>等待对比结束</translation>
    </message>
    <message>
        <source>Waiting until the other measurement ends</source>
        <translation>等待另一次测量结束</translation>
    </message>
    <message>
        <source>Waiting until other programs need less of the machine</source>
        <translation>等待其他程序减少占用</translation>
    </message>
    <message>
        <source>Building the first model</source>
        <translation>正在构建第一个模型</translation>
    </message>
    <message>
        <source>{done} of {total} models measured</source>
        <translation>已测量 {done}/{total} 个模型</translation>
    </message>
    <message>
        <source>{done} of {total} models measured, {left} left</source>
        <translation>已测量 {done}/{total} 个模型，剩余 {left}</translation>
    </message>
</context>
<context>
    <name>LatencyTables</name>
    <message>
        <source>Designs are predicted for {machine} now.</source>
        <translation>现在按 {machine} 预测方案。</translation>
    </message>
    <message>
        <source>Load a latency table</source>
        <translation>载入延迟表</translation>
    </message>
    <message>
        <source>Latency tables ({patterns})</source>
        <translation>延迟表 ({patterns})</translation>
    </message>
    <message>
        <source>This machine</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>Other devices</source>
        <translation>其他设备</translation>
    </message>
</context>
<context>
    <name>LayerTable</name>
    <message>
        <source>Layers of the model</source>
        <translation>模型的层</translation>
    </message>
    <message>
        <source>Time (ms)</source>
        <translation>耗时 (ms)</translation>
    </message>
    <message>
        <source>Saves (ms)</source>
        <translation>节省 (ms)</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>in {kind}</source>
        <translation>属于“{kind}”</translation>
    </message>
    <message>
        <source>mixed {swapped}/{count}</source>
        <translation>混合 {swapped}/{count}</translation>
    </message>
    <message>
        <source>standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>In {name}</source>
        <translation>“{name}”中</translation>
    </message>
    <message>
        <source>replaced inside</source>
        <translation>内部有替换</translation>
    </message>
</context>
<context>
    <name>LayersDialog</name>
    <message>
        <source>Measuring layers</source>
        <translation>正在测量各层</translation>
    </message>
    <message>
        <source>Which layers cost what</source>
        <translation>各层的开销</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Milliseconds of each layer, left against right</source>
        <translation>各层毫秒数，左右对比</translation>
    </message>
    <message>
        <source>Measure again</source>
        <translation>重新测量</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>not attributed to a module</source>
        <translation>未归入任何模块</translation>
    </message>
    <message>
        <source>Measuring. The comparison rests meanwhile…</source>
        <translation>正在测量，对比暂停…</translation>
    </message>
    <message>
        <source>Measures what each layer takes inside both running models, on the runtime of the comparison. The comparison is paused for it, for about fifteen seconds.</source>
        <translation>在对比所用的推理后端上，测量两个模型运行时各层所需的时间。测量期间对比暂停约十五秒。</translation>
    </message>
    <message>
        <source>Milliseconds on {runtime} {precision}, {device}, {threads} threads, {height}×{width}: left, right, change. Click a layer to see its modules.</source>
        <translation>{runtime} {precision}、{device}、{threads} 个线程、{height}×{width} 下的毫秒数：左、右、变化。点击某一层可查看其中的模块。</translation>
    </message>
    <message>
        <source>Other programs used the machine meanwhile: measure again when it is idle.</source>
        <translation>测量期间有其他程序占用机器：请在空闲时重新测量。</translation>
    </message>
    <message>
        <source>{name}: bars {sum} ms, whole model {whole} ms ({change})</source>
        <translation>{name}：条形合计 {sum} 毫秒，整个模型 {whole} 毫秒（{change}）</translation>
    </message>
    <message>
        <source>{left}; {right}. The whole is timed without the profiler; the difference is what profiling adds or hides.</source>
        <translation>{left}；{right}。整个模型在不带性能分析的情况下测得；差异是性能分析增加或掩盖的部分。</translation>
    </message>
</context>
<context>
    <name>Legend</name>
    <message>
        <source>activation {name} everywhere</source>
        <translation>全部激活函数为 {name}</translation>
    </message>
    <message>
        <source>mixed</source>
        <translation>混合</translation>
    </message>
    <message>
        <source>standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>cannot be replaced</source>
        <translation>不可替换</translation>
    </message>
    <message>
        <source>share of GFLOPs, before and now</source>
        <translation>GFLOPs 占比（替换前、现在）</translation>
    </message>
    <message>
        <source>Key: {entries}</source>
        <translation>图例：{entries}</translation>
    </message>
</context>
<context>
    <name>LinePlot</name>
    <message>
        <source>epoch {epoch}</source>
        <translation>第 {epoch} 轮</translation>
    </message>
</context>
<context>
    <name>LogPanel</name>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Log of the training</source>
        <translation>训练日志</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>The preferences could not be saved: {reason}</source>
        <translation>首选项无法保存：{reason}</translation>
    </message>
    <message>
        <source>They hold until the Studio is closed.</source>
        <translation>这些设置在关闭 Studio 前有效。</translation>
    </message>
    <message>
        <source>Pages</source>
        <translation>页面</translation>
    </message>
    <message>
        <source>Still running: {titles}.</source>
        <translation>仍在运行：{titles}。</translation>
    </message>
    <message>
        <source>Stop and close</source>
        <translation>停止并关闭</translation>
    </message>
    <message>
        <source>Close the Studio?</source>
        <translation>关闭 Studio？</translation>
    </message>
</context>
<context>
    <name>MeansWidget</name>
    <message>
        <source>Kinds</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>Unlock all</source>
        <translation>全部解锁</translation>
    </message>
    <message>
        <source>No layer is locked. Select some in the diagram and press L to lock them.</source>
        <translation>没有锁定的层。在结构图中选择后按 L 锁定。</translation>
    </message>
    <message>
        <source>Locked, these stay as they are: {layers}.</source>
        <translation>已锁定，保持不变：{layers}。</translation>
    </message>
    <message>
        <source>Locked, these and {count} more stay as they are: {layers}.</source>
        <translation>已锁定，以下及另外 {count} 个保持不变：{layers}。</translation>
    </message>
</context>
<context>
    <name>Messages</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>MissingTools</name>
    <message>
        <source>Commands for a terminal</source>
        <translation>终端命令</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the commands</source>
        <translation>复制命令</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新检查</translation>
    </message>
    <message>
        <source>Type this in a terminal, then look again.</source>
        <translation>请在终端中输入，然后重新检查。</translation>
    </message>
    <message>
        <source>These packages bring much along: they get a Python environment of their own, where they disturb nothing. Type this in a terminal, then look again: that Python is found and used.</source>
        <translation>这些软件包依赖很多，因此使用单独的 Python 环境，以免影响其他软件。请在终端中输入，然后重新检查：Studio 会找到并使用该 Python。</translation>
    </message>
</context>
<context>
    <name>ModelCard</name>
    <message>
        <source>Choose a model to see its figures, files and origin.</source>
        <translation>选择一个模型，查看其指标、文件和来源。</translation>
    </message>
    <message>
        <source>Figures</source>
        <translation>指标</translation>
    </message>
    <message>
        <source>Average precision by class</source>
        <translation>各类别平均精度 (AP)</translation>
    </message>
    <message>
        <source>Origin</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>mAP50-95</source>
        <translation>mAP50-95</translation>
    </message>
    <message>
        <source>mAP50</source>
        <translation>mAP50</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精确率</translation>
    </message>
    <message>
        <source>Recall</source>
        <translation>召回率</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>GFLOPs at {size} px</source>
        <translation>GFLOPs ({size} px)</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据集</translation>
    </message>
    <message>
        <source>Warm start</source>
        <translation>热启动</translation>
    </message>
    <message>
        <source>fresh weights</source>
        <translation>随机初始化</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>轮数</translation>
    </message>
    <message>
        <source>Picture size</source>
        <translation>画面尺寸</translation>
    </message>
    <message>
        <source>Batch and seed</source>
        <translation>批大小与种子</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Started</source>
        <translation>开始时间</translation>
    </message>
    <message>
        <source>Base model</source>
        <translation>基础模型</translation>
    </message>
    <message>
        <source>Swapped modules</source>
        <translation>替换的模块</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Tags, with commas between</source>
        <translation>标记，用逗号分隔</translation>
    </message>
    <message>
        <source>Tags of the run</source>
        <translation>训练记录的标记</translation>
    </message>
    <message>
        <source>A note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Note about the run</source>
        <translation>训练记录的备注</translation>
    </message>
</context>
<context>
    <name>ModelTable</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
</context>
<context>
    <name>ModelTableModel</name>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>mAP50-95</source>
        <translation>mAP50-95</translation>
    </message>
    <message>
        <source>mAP50</source>
        <translation>mAP50</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>MB</source>
        <translation>MB</translation>
    </message>
    <message>
        <source>State</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Tags</source>
        <translation>标记</translation>
    </message>
    <message>
        <source>standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>lightweight</source>
        <translation>轻量</translation>
    </message>
    <message>
        <source>run</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>checkpoint</source>
        <translation>检查点</translation>
    </message>
    <message>
        <source>bundle</source>
        <translation>运行包</translation>
    </message>
    <message>
        <source>file</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>training</source>
        <translation>训练中</translation>
    </message>
    <message>
        <source>finished</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>interrupted</source>
        <translation>已中断</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Exporting {name} to {format}</source>
        <translation>正在将 {name} 导出为 {format}</translation>
    </message>
    <message>
        <source>{file} is written: {size}.</source>
        <translation>已写入 {file}：{size}。</translation>
    </message>
    <message>
        <source>On {pictures} pictures at most {pixels} px and {score} of score away from torch.</source>
        <translation>在 {pictures} 张图片上与 torch 相差最多 {pixels} px、得分 {score}。</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Choose a model with a checkpoint.</source>
        <translation>请选择有检查点的模型。</translation>
    </message>
    <message>
        <source>Choose one or more runs with weights.</source>
        <translation>请选择一个或多个有权重的训练记录。</translation>
    </message>
    <message>
        <source>Choose one or two models with weights.</source>
        <translation>请选择一到两个有权重的模型。</translation>
    </message>
    <message>
        <source>Reading {name}</source>
        <translation>正在读取 {name}</translation>
    </message>
    <message>
        <source>Show on the Train page</source>
        <translation>在“训练”页中显示</translation>
    </message>
    <message>
        <source>Move to the trash…</source>
        <translation>移到回收站…</translation>
    </message>
    <message>
        <source>ONNX</source>
        <translation>ONNX</translation>
    </message>
    <message>
        <source>OpenVINO</source>
        <translation>OpenVINO</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Filter the models</source>
        <translation>筛选模型</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Both models on the same pictures, live</source>
        <translation>两个模型在相同图片上实时对比</translation>
    </message>
    <message>
        <source>Compare runs</source>
        <translation>对比训练记录</translation>
    </message>
    <message>
        <source>Bench</source>
        <translation>基准测试</translation>
    </message>
    <message>
        <source>Accuracy, size and milliseconds on every runtime here</source>
        <translation>在本机的每种推理后端上的准确度、大小和毫秒数</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Export to ONNX</source>
        <translation>导出为 ONNX</translation>
    </message>
    <message>
        <source>Export to OpenVINO</source>
        <translation>导出为 OpenVINO</translation>
    </message>
    <message>
        <source>There are no models in this workspace yet.</source>
        <translation>此工作区还没有模型。</translation>
    </message>
    <message>
        <source>Train one, or drop a checkpoint here. The sample on the Home page brings two.</source>
        <translation>训练一个，或把检查点拖到这里。主页上的示例自带两个。</translation>
    </message>
    <message>
        <source>Go to Train</source>
        <translation>前往训练</translation>
    </message>
    <message>
        <source>Go to Home</source>
        <translation>前往主页</translation>
    </message>
</context>
<context>
    <name>NameDialog</name>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>Note</name>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>关闭此消息</translation>
    </message>
</context>
<context>
    <name>NotesCard</name>
    <message>
        <source>Notes of the design</source>
        <translation>方案备注</translation>
    </message>
    <message>
        <source>What this design is for. It is saved in the design&apos;s file.</source>
        <translation>此方案的用途，保存在方案文件中。</translation>
    </message>
    <message>
        <source>{arrow} Notes</source>
        <translation>{arrow} 备注</translation>
    </message>
    <message>
        <source>{arrow} Notes: {first}</source>
        <translation>{arrow} 备注：{first}</translation>
    </message>
</context>
<context>
    <name>Numbers</name>
    <message>
        <source>left</source>
        <translation>左侧</translation>
    </message>
    <message>
        <source>right</source>
        <translation>右侧</translation>
    </message>
    <message>
        <source>detector</source>
        <translation>检测器</translation>
    </message>
    <message>
        <source>runtime</source>
        <translation>推理后端</translation>
    </message>
    <message>
        <source>precision</source>
        <translation>精确率</translation>
    </message>
    <message>
        <source>device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>input, px</source>
        <translation>输入尺寸（像素）</translation>
    </message>
    <message>
        <source>preprocess</source>
        <translation>预处理</translation>
    </message>
    <message>
        <source>inference</source>
        <translation>推理</translation>
    </message>
    <message>
        <source>postprocess</source>
        <translation>后处理</translation>
    </message>
    <message>
        <source>speed-up of inference</source>
        <translation>推理加速比</translation>
    </message>
    <message>
        <source>speed-up in all</source>
        <translation>整体加速比</translation>
    </message>
    <message>
        <source>95 % interval {interval}</source>
        <translation>95 % 区间 {interval}</translation>
    </message>
    <message>
        <source>pairs per second</source>
        <translation>每秒对数</translation>
    </message>
    <message>
        <source>pictures dropped</source>
        <translation>丢弃的画面</translation>
    </message>
    <message>
        <source>boxes that agree</source>
        <translation>一致的框</translation>
    </message>
    <message>
        <source>boxes with another class</source>
        <translation>类别不同的框</translation>
    </message>
    <message>
        <source>boxes only left</source>
        <translation>仅左侧的框</translation>
    </message>
    <message>
        <source>boxes only right</source>
        <translation>仅右侧的框</translation>
    </message>
    <message>
        <source>source</source>
        <translation>输入源</translation>
    </message>
</context>
<context>
    <name>Pages</name>
    <message>
        <source>Home</source>
        <translation>主页</translation>
    </message>
    <message>
        <source>Design</source>
        <translation>设计</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
</context>
<context>
    <name>Pane</name>
    <message>
        <source>1 thread</source>
        <translation>1 线程</translation>
    </message>
    <message>
        <source>{count} threads</source>
        <translation>{count} 线程</translation>
    </message>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>Lightweight</source>
        <translation>轻量</translation>
    </message>
    <message>
        <source>{side} detector</source>
        <translation>{side}检测器</translation>
    </message>
</context>
<context>
    <name>ParetoPlot</name>
    <message>
        <source>Risk against cost</source>
        <translation>风险与开销</translation>
    </message>
    <message>
        <source>Risk</source>
        <translation>风险</translation>
    </message>
</context>
<context>
    <name>ParetoView</name>
    <message>
        <source>Parameters, M</source>
        <translation>参数量，M</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Size, MB</source>
        <translation>大小，MB</translation>
    </message>
    <message>
        <source>Milliseconds here</source>
        <translation>本机毫秒数</translation>
    </message>
    <message>
        <source>Cost</source>
        <translation>开销</translation>
    </message>
    <message>
        <source>Measure milliseconds</source>
        <translation>测量毫秒数</translation>
    </message>
    <message>
        <source>Not known yet.</source>
        <translation>尚不清楚。</translation>
    </message>
    <message>
        <source>mAP50-95 {score}</source>
        <translation>mAP50-95 {score}</translation>
    </message>
    <message>
        <source>Measuring {name}</source>
        <translation>正在测量 {name}</translation>
    </message>
</context>
<context>
    <name>PictureDialog</name>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Previous picture</source>
        <translation>上一张</translation>
    </message>
    <message>
        <source>Next picture</source>
        <translation>下一张</translation>
    </message>
    <message>
        <source>Picture with its boxes</source>
        <translation>带框的图片</translation>
    </message>
</context>
<context>
    <name>PicturesPane</name>
    <message>
        <source>There are no pictures to show.</source>
        <translation>没有可显示的图片。</translation>
    </message>
    <message>
        <source>Pictures that tell most</source>
        <translation>最能说明问题的图片</translation>
    </message>
    <message>
        <source>Green: right. Red: wrong. Dashed: missed. Boxes of at least 0.25 confidence.</source>
        <translation>绿色：正确。红色：错误。虚线：漏检。仅显示置信度不低于 0.25 的框。</translation>
    </message>
    <message>
        <source>{run}: {missed} missed, {wrong} wrong</source>
        <translation>{run}：漏检 {missed}，错误 {wrong}</translation>
    </message>
</context>
<context>
    <name>PlotBar</name>
    <message>
        <source>Curves</source>
        <translation>曲线</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Machine</source>
        <translation>机器</translation>
    </message>
    <message>
        <source>Smoothing</source>
        <translation>平滑</translation>
    </message>
    <message>
        <source>Draws exponential moving averages; figures and files keep what was measured.</source>
        <translation>绘制指数移动平均；数值与文件保留测得的值。</translation>
    </message>
</context>
<context>
    <name>PlotGrid</name>
    <message>
        <source>{run} P</source>
        <translation>{run} P</translation>
    </message>
    <message>
        <source>{run} R</source>
        <translation>{run} R</translation>
    </message>
    <message>
        <source>{run} train</source>
        <translation>{run} 训练</translation>
    </message>
    <message>
        <source>{run} val</source>
        <translation>{run} 验证</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>train solid, val dashed, single batches faint</source>
        <translation>实线训练，虚线验证，浅色为单批次</translation>
    </message>
    <message>
        <source>mAP50</source>
        <translation>mAP50</translation>
    </message>
    <message>
        <source>mAP50-95</source>
        <translation>mAP50-95</translation>
    </message>
    <message>
        <source>Precision, recall</source>
        <translation>精确率、召回率</translation>
    </message>
    <message>
        <source>precision solid, recall dashed</source>
        <translation>实线精确率，虚线召回率</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>total</source>
        <translation>总和</translation>
    </message>
    <message>
        <source>boxes</source>
        <translation>框</translation>
    </message>
    <message>
        <source>classes</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>edges</source>
        <translation>边界 (DFL)</translation>
    </message>
    <message>
        <source>Part of the loss</source>
        <translation>损失分量</translation>
    </message>
    <message>
        <source>Processor and graphics card, %</source>
        <translation>处理器与显卡，%</translation>
    </message>
    <message>
        <source>Memory, GB</source>
        <translation>内存，GB</translation>
    </message>
    <message>
        <source>all that is in use, and this training; pointing at it tells which</source>
        <translation>全部已用内存与本次训练；指向曲线可查看是哪一条</translation>
    </message>
    <message>
        <source>Nothing was noted of the machine yet.</source>
        <translation>尚未记录机器的使用情况。</translation>
    </message>
    <message>
        <source>Appears after the first epoch.</source>
        <translation>第一轮结束后显示。</translation>
    </message>
</context>
<context>
    <name>PlotMenu</name>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Logarithmic axis</source>
        <translation>对数坐标轴</translation>
    </message>
    <message>
        <source>Show everything (double click)</source>
        <translation>显示全部（双击）</translation>
    </message>
    <message>
        <source>Save as a picture…</source>
        <translation>保存为图片…</translation>
    </message>
    <message>
        <source>Save the values…</source>
        <translation>保存数值…</translation>
    </message>
    <message>
        <source>Options of {plot}</source>
        <translation>{plot} 的选项</translation>
    </message>
</context>
<context>
    <name>PlotTools</name>
    <message>
        <source>processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>graphics card</source>
        <translation>显卡</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>已使用</translation>
    </message>
    <message>
        <source>this training</source>
        <translation>本次训练</translation>
    </message>
</context>
<context>
    <name>PreferencesDialog</name>
    <message>
        <source>Preferences</source>
        <translation>首选项</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Workspace</source>
        <translation>工作区</translation>
    </message>
    <message>
        <source>Runtime</source>
        <translation>推理后端</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>Folder of your designs, runs and exports.</source>
        <translation>存放方案、训练和导出结果的文件夹。</translation>
    </message>
    <message>
        <source>What detectors run on, unless you choose otherwise on the page.</source>
        <translation>检测器默认使用的推理后端，可在页面上另选。</translation>
    </message>
    <message>
        <source>Off, the Studio never connects anywhere. On, it asks before each download.</source>
        <translation>关闭时 Studio 从不联网；开启时每次下载前都会询问。</translation>
    </message>
    <message>
        <source>Allow downloads</source>
        <translation>允许下载</translation>
    </message>
    <message>
        <source>Keep the computer awake meanwhile</source>
        <translation>训练期间阻止电脑休眠</translation>
    </message>
    <message>
        <source>Tell on the desktop when it has ended</source>
        <translation>训练结束时发出桌面通知</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>The fastest on this computer</source>
        <translation>本机最快</translation>
    </message>
    <message>
        <source>Choose the workspace</source>
        <translation>选择工作区</translation>
    </message>
    <message>
        <source>Something is still running in this workspace. Wait for it, or cancel it first.</source>
        <translation>此工作区仍有任务在运行，请等待完成或先取消。</translation>
    </message>
    <message>
        <source>{folder} cannot be written. Choose another folder.</source>
        <translation>{folder} 无法写入，请选择其他文件夹。</translation>
    </message>
</context>
<context>
    <name>Preparation</name>
    <message>
        <source>Boxes are matched by equal names. These are not: {pairs}.</source>
        <translation>框按相同的名称匹配。这些名称并不相同：{pairs}。</translation>
    </message>
    <message>
        <source>They share no name: no box can agree.</source>
        <translation>两者没有相同的类别名：没有框能够一致。</translation>
    </message>
    <message>
        <source>Boxes are matched by the names that both know: {names}.</source>
        <translation>框按两者都认识的名称匹配：{names}。</translation>
    </message>
    <message>
        <source>Preparing the detectors</source>
        <translation>正在准备检测器</translation>
    </message>
</context>
<context>
    <name>PrimaryButton</name>
    <message>
        <source>Train lightweight</source>
        <translation>训练轻量模型</translation>
    </message>
    <message>
        <source>Queue lightweight</source>
        <translation>将轻量模型加入队列</translation>
    </message>
    <message>
        <source>Train standard</source>
        <translation>训练标准模型</translation>
    </message>
    <message>
        <source>Queue standard</source>
        <translation>将标准模型加入队列</translation>
    </message>
    <message>
        <source>Train both</source>
        <translation>两个都训练</translation>
    </message>
    <message>
        <source>Queue both</source>
        <translation>将两者加入队列</translation>
    </message>
    <message>
        <source>Save changes</source>
        <translation>保存更改</translation>
    </message>
    <message>
        <source>The open design swaps nothing yet: it is the standard model.</source>
        <translation>当前方案还没有任何替换，就是标准模型。</translation>
    </message>
    <message>
        <source>It waits in the queue and begins by itself.</source>
        <translation>它在队列中等待，轮到时自动开始。</translation>
    </message>
    <message>
        <source>Train both, the standard one first</source>
        <translation>两个都训练，先训练标准模型</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Choose what to train</source>
        <translation>选择要训练的模型</translation>
    </message>
</context>
<context>
    <name>QueueCard</name>
    <message>
        <source>{place}  {name}, resumed</source>
        <translation>{place}  {name}（继续）</translation>
    </message>
    <message>
        <source>{place}  {name}</source>
        <translation>{place}  {name}</translation>
    </message>
    <message>
        <source>Queue ({count})</source>
        <translation>队列（{count}）</translation>
    </message>
    <message>
        <source>Begin nothing more for now</source>
        <translation>暂时不再开始新的训练</translation>
    </message>
    <message>
        <source>Let the next run begin</source>
        <translation>让下一个训练开始</translation>
    </message>
    <message>
        <source>The queue stands still: nothing begins by itself.</source>
        <translation>队列已暂停：不会自动开始训练。</translation>
    </message>
    <message>
        <source>Change…</source>
        <translation>修改…</translation>
    </message>
    <message>
        <source>Train next</source>
        <translation>下一个训练它</translation>
    </message>
    <message>
        <source>Up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Drag the rows, or press Alt+Up and Alt+Down; Del removes, Return changes</source>
        <translation>可拖动各行，或按 Alt+↑ 和 Alt+↓；Del 移除，回车修改</translation>
    </message>
</context>
<context>
    <name>QueueDesk</name>
    <message>
        <source>{name} is changed.</source>
        <translation>{name} 已修改。</translation>
    </message>
    <message>
        <source>{name} waits to be resumed.</source>
        <translation>{name} 正在等待继续训练。</translation>
    </message>
    <message>
        <source>Remove it from the queue, then resume it with other settings.</source>
        <translation>请将其移出队列，再用其他设置继续。</translation>
    </message>
</context>
<context>
    <name>ReachChart</name>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Parameters (M)</source>
        <translation>参数量 (M)</translation>
    </message>
    <message>
        <source>Milliseconds</source>
        <translation>毫秒</translation>
    </message>
    <message>
        <source>{parameters} parameters, {size}</source>
        <translation>{parameters} 个参数，{size}</translation>
    </message>
    <message>
        <source>A design of least risk</source>
        <translation>风险最小的方案</translation>
    </message>
    <message>
        <source>The open design</source>
        <translation>当前方案</translation>
    </message>
    <message>
        <source>The answer to the target</source>
        <translation>目标的答案</translation>
    </message>
    <message>
        <source>risk {risk}</source>
        <translation>风险 {risk}</translation>
    </message>
    <message>
        <source>A click takes this design.</source>
        <translation>点击采用此方案。</translation>
    </message>
    <message>
        <source>A plain model, trained on its own: it has no risk to compare.</source>
        <translation>单独训练的普通模型，没有可比的风险。</translation>
    </message>
    <message>
        <source>Its milliseconds are estimated: its layers have shapes that were not measured.</source>
        <translation>其毫秒数为估算：它的层的形状未曾测量过。</translation>
    </message>
    <message>
        <source>A click offers it as the base model.</source>
        <translation>点击可改用它作为基础模型。</translation>
    </message>
</context>
<context>
    <name>ReachDialog</name>
    <message>
        <source>Reach a target: {base}</source>
        <translation>达到目标：{base}</translation>
    </message>
    <message>
        <source>At most</source>
        <translation>上限</translation>
    </message>
    <message>
        <source>Allowed</source>
        <translation>允许</translation>
    </message>
    <message>
        <source>Risks</source>
        <translation>风险</translation>
    </message>
    <message>
        <source>Measure the latency on the Design page first; then milliseconds can be a target.</source>
        <translation>请先在“设计”页测量延迟，之后即可以毫秒为目标。</translation>
    </message>
    <message>
        <source>Predicted for {where} on {machine}.</source>
        <translation>按 {machine} 上的 {where} 预测。</translation>
    </message>
    <message>
        <source>Reach {targets}</source>
        <translation>达到 {targets}</translation>
    </message>
    <message>
        <source>Least risk at {cost}</source>
        <translation>{cost} 时风险最小</translation>
    </message>
    <message>
        <source>Begin with {base}?</source>
        <translation>改从 {base} 开始？</translation>
    </message>
    <message>
        <source>{base} is a smaller base model. It is not converted from your weights but trained on its own.</source>
        <translation>{base} 是更小的基础模型，不由您的权重转换，需单独训练。</translation>
    </message>
    <message>
        <source>Begin with {base}</source>
        <translation>从 {base} 开始</translation>
    </message>
</context>
<context>
    <name>RecallPlot</name>
    <message>
        <source>precision over recall</source>
        <translation>精确率（纵）对召回率（横）</translation>
    </message>
    <message>
        <source>recall {value}</source>
        <translation>召回率 {value}</translation>
    </message>
</context>
<context>
    <name>RecentDesigns</name>
    <message>
        <source>Recent designs</source>
        <translation>最近的方案</translation>
    </message>
    <message>
        <source>Designs that you save appear here.</source>
        <translation>保存的方案会显示在这里。</translation>
    </message>
</context>
<context>
    <name>RecentRuns</name>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>running, epoch {epoch} of {epochs}</source>
        <translation>训练中，第 {epoch}/{epochs} 轮</translation>
    </message>
    <message>
        <source>finished</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>stopped after epoch {epoch}</source>
        <translation>第 {epoch} 轮后停止</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>interrupted after epoch {epoch}</source>
        <translation>第 {epoch} 轮后中断</translation>
    </message>
    <message>
        <source>mAP50 {map50}, {state}</source>
        <translation>mAP50 {map50}，{state}</translation>
    </message>
    <message>
        <source>Recent runs</source>
        <translation>最近的训练</translation>
    </message>
    <message>
        <source>Trainings of this workspace appear here.</source>
        <translation>此工作区的训练会显示在这里。</translation>
    </message>
</context>
<context>
    <name>RecoverySwitch</name>
    <message>
        <source>Teacher: {name}</source>
        <translation>教师：{name}</translation>
    </message>
    <message>
        <source>Teacher: the first weights</source>
        <translation>教师：初始权重</translation>
    </message>
    <message>
        <source>A standard model has nothing to recover.</source>
        <translation>标准模型无需恢复精度。</translation>
    </message>
    <message>
        <source>A plain training, as stock does it.</source>
        <translation>普通训练，与原版相同。</translation>
    </message>
    <message>
        <source>With {names}.</source>
        <translation>采用：{names}。</translation>
    </message>
    <message>
        <source>Nothing applies here: choose a trained standard model under Warm start.</source>
        <translation>此处没有适用的方法：请在“热启动”中选择训练好的标准模型。</translation>
    </message>
    <message>
        <source>Recover accuracy</source>
        <translation>恢复精度</translation>
    </message>
    <message>
        <source>Takes what our measurements show to be best for this training</source>
        <translation>采用实测中对这种训练最有效的做法</translation>
    </message>
    <message>
        <source>Ways</source>
        <translation>方法</translation>
    </message>
    <message>
        <source>Shows every way to win accuracy back, to choose by hand</source>
        <translation>显示所有恢复精度的方法，供手动选择</translation>
    </message>
    <message>
        <source>Teacher</source>
        <translation>教师</translation>
    </message>
</context>
<context>
    <name>Removal</name>
    <message>
        <source>Move to the trash</source>
        <translation>移到回收站</translation>
    </message>
    <message>
        <source>Move {names} to the trash?</source>
        <translation>将 {names} 移到回收站？</translation>
    </message>
    <message>
        <source>A run goes with its weights, checkpoints and notes.</source>
        <translation>训练记录会连同权重、检查点和备注一起移走。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>{names} is in the trash.</source>
        <translation>{names} 已在回收站。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>{name} cannot be put back: its place is taken, or the trash was emptied.</source>
        <translation>无法放回 {name}：原位置已被占用，或回收站已清空。</translation>
    </message>
    <message>
        <source>{name} cannot be put back: {reason}.</source>
        <translation>无法放回 {name}：{reason}。</translation>
    </message>
    <message>
        <source>{name} could not be moved to the trash: {reason}.</source>
        <translation>无法将 {name} 移到回收站：{reason}。</translation>
    </message>
</context>
<context>
    <name>ResumeDialog</name>
    <message>
        <source>auto</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续训练</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Resume a run</source>
        <translation>继续训练</translation>
    </message>
    <message>
        <source>{name} goes on after epoch {epoch}</source>
        <translation>{name} 将从第 {epoch} 轮之后继续</translation>
    </message>
    <message>
        <source>Epochs in all</source>
        <translation>总轮数</translation>
    </message>
    <message>
        <source>Batch</source>
        <translation>批大小</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>With another number of epochs the learning rate follows the new schedule from here on.</source>
        <translation>轮数改变后，从这里起学习率按新的调度变化。</translation>
    </message>
    <message>
        <source>Another batch changes the steps: the run and its partner are no fair pair any more.</source>
        <translation>批次改变会改变每一步：这次训练与其对照训练不再公平可比。</translation>
    </message>
    <message>
        <source>It goes on as if it had never stopped; the epoch that was cut off is repeated.</source>
        <translation>如同从未停止一样继续；中断的那一轮会重新训练。</translation>
    </message>
</context>
<context>
    <name>RiskSource</name>
    <message>
        <source>Guessed from shapes</source>
        <translation>由形状推测</translation>
    </message>
    <message>
        <source>At once and without weights; as good as typical models are typical.</source>
        <translation>立即得到，无需权重；按一般模型的规律推测。</translation>
    </message>
    <message>
        <source>Measured on weights and pictures</source>
        <translation>用权重和图片测量</translation>
    </message>
    <message>
        <source>The trained standard model looks at 32 training pictures; every swap is fitted to it.</source>
        <translation>让训练好的标准模型看 32 张训练图片，每处替换都按其拟合。</translation>
    </message>
    <message>
        <source>mAP of each single swap (slow)</source>
        <translation>逐处替换的 mAP（慢）</translation>
    </message>
    <message>
        <source>Every separable swap is converted alone and validated on 64 pictures.</source>
        <translation>每处深度可分离替换单独转换，在 64 张图片上评估。</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Weights of the trained standard model</source>
        <translation>已训练标准模型的权重</translation>
    </message>
    <message>
        <source>Data set with the pictures</source>
        <translation>提供图片的数据集</translation>
    </message>
    <message>
        <source>run {name}</source>
        <translation>训练 {name}</translation>
    </message>
    <message>
        <source>the sample&apos;s model</source>
        <translation>示例的模型</translation>
    </message>
    <message>
        <source>Choose a checkpoint…</source>
        <translation>选择检查点…</translation>
    </message>
    <message>
        <source>Choose a data set…</source>
        <translation>选择数据集…</translation>
    </message>
    <message>
        <source>Choose the weights of a trained standard model</source>
        <translation>选择已训练标准模型的权重</translation>
    </message>
    <message>
        <source>Checkpoints ({patterns})</source>
        <translation>检查点 ({patterns})</translation>
    </message>
    <message>
        <source>Choose a data set</source>
        <translation>选择数据集</translation>
    </message>
    <message>
        <source>Data sets ({patterns})</source>
        <translation>数据集 ({patterns})</translation>
    </message>
    <message>
        <source>the sample</source>
        <translation>示例</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Measuring the risks of {base}</source>
        <translation>正在测量 {base} 的风险</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>Measuring: {time} left.</source>
        <translation>正在测量，剩余 {time}。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>Measuring…</source>
        <translation>正在测量…</translation>
    </message>
    <message>
        <source>Cancelling…</source>
        <translation>正在取消…</translation>
    </message>
    <message>
        <source>Guesses are marked with a question mark.</source>
        <translation>推测值标有问号。</translation>
    </message>
    <message>
        <source>{count} swaps measured on {pictures} pictures, with {classes} classes; the others are guessed.</source>
        <translation>已在 {pictures} 张图片上测量 {count} 处替换，类别数为 {classes}；其余为推测。</translation>
    </message>
    <message>
        <source>No finished standard run of {base} is here. Train one, or choose weights and pictures.</source>
        <translation>此处没有 {base} 标准模型的已完成训练。请训练一个，或选择权重和图片。</translation>
    </message>
    <message>
        <source>Not measured yet: it takes several seconds for each swap. Guesses are used meanwhile.</source>
        <translation>尚未测量：每处替换需数秒。目前使用推测值。</translation>
    </message>
    <message>
        <source>Not measured yet. Guesses are used meanwhile.</source>
        <translation>尚未测量，目前使用推测值。</translation>
    </message>
</context>
<context>
    <name>RooflineDialog</name>
    <message>
        <source>standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>Nothing is measured yet: measure this machine first.</source>
        <translation>尚无测量结果：请先测量本机。</translation>
    </message>
    <message>
        <source>Left of the ridge, at {ridge} operations per byte, modules wait for memory, {share} % of the time here: fewer operations do not help them, fewer bytes do. Right of it arithmetic is the limit. What lies above the slope finds its data in the processor&apos;s caches.</source>
        <translation>转折点在每字节 {ridge} 次运算：其左侧的模块受限于内存，此处占耗时的 {share}%，减少运算无济于事，减少字节数才有用；其右侧受限于算力。位于斜线之上的模块从处理器缓存中取得数据。</translation>
    </message>
    <message>
        <source>Measuring what memory and arithmetic of this machine can do at best</source>
        <translation>正在测量本机内存带宽和算力的上限</translation>
    </message>
    <message>
        <source>What memory and arithmetic of {machine} can do at best is not known here.</source>
        <translation>此处不知道 {machine} 内存带宽和算力的上限。</translation>
    </message>
    <message>
        <source>What memory and arithmetic of this machine can do at best is not measured yet.</source>
        <translation>尚未测量本机内存带宽和算力的上限。</translation>
    </message>
    <message>
        <source>There is no roof for {precision}: only f32, bf16 and f16 can be measured.</source>
        <translation>{precision} 没有屋顶线：只能测量 f32、bf16 和 f16。</translation>
    </message>
    <message>
        <source>Roofline: {name}</source>
        <translation>屋顶线：{name}</translation>
    </message>
    <message>
        <source>Roofline</source>
        <translation>屋顶线</translation>
    </message>
    <message>
        <source>Measure the roof</source>
        <translation>测量屋顶线</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Size: milliseconds. Colour: kind, as in the diagram. A click selects the layer.</source>
        <translation>大小：毫秒数。颜色：类型，与结构图相同。点击选择该层。</translation>
    </message>
</context>
<context>
    <name>RooflinePlot</name>
    <message>
        <source>memory: {bandwidth} GB/s</source>
        <translation>内存：{bandwidth} GB/s</translation>
    </message>
    <message>
        <source>arithmetic: {peak} GFLOP/s</source>
        <translation>算力：{peak} GFLOP/s</translation>
    </message>
    <message>
        <source>{kind}, {ms} ms</source>
        <translation>{kind}，{ms} ms</translation>
    </message>
    <message>
        <source>{intensity} operations per byte, {speed} GFLOP/s</source>
        <translation>每字节 {intensity} 次运算，{speed} GFLOP/s</translation>
    </message>
    <message>
        <source>{share} % of what memory allows</source>
        <translation>达到内存上限的 {share}%</translation>
    </message>
    <message>
        <source>{share} % of what arithmetic allows</source>
        <translation>达到算力上限的 {share}%</translation>
    </message>
    <message>
        <source>Modules by operations per byte and operations a second; arrow keys walk through them</source>
        <translation>各模块的每字节运算次数与每秒运算次数；可用方向键逐个查看</translation>
    </message>
    <message>
        <source>operations per byte</source>
        <translation>每字节运算次数</translation>
    </message>
    <message>
        <source>GFLOP/s</source>
        <translation>GFLOP/s</translation>
    </message>
</context>
<context>
    <name>RunActions</name>
    <message>
        <source>Converting {name}</source>
        <translation>正在转换 {name}</translation>
    </message>
    <message>
        <source>Measuring {name}</source>
        <translation>正在评估 {name}</translation>
    </message>
    <message>
        <source>{name} is converted: {file}.</source>
        <translation>{name} 已转换：{file}。</translation>
    </message>
    <message>
        <source>{file}: mAP50-95 {kept} without training, the standard one has {before}.</source>
        <translation>{file}：未经训练 mAP50-95 为 {kept}，标准模型为 {before}。</translation>
    </message>
    <message>
        <source>Fine-tune it: train the design with a warm start from {name}.</source>
        <translation>可继续微调：以 {name} 热启动训练该方案。</translation>
    </message>
    <message>
        <source>Show it</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>Move to the trash</source>
        <translation>移到回收站</translation>
    </message>
    <message>
        <source>Move the run {name} to the trash?</source>
        <translation>将训练 {name} 移到回收站？</translation>
    </message>
    <message>
        <source>Remove a run</source>
        <translation>删除训练</translation>
    </message>
    <message>
        <source>{name} could not be moved to the trash.</source>
        <translation>{name} 无法移到回收站。</translation>
    </message>
    <message>
        <source>Remove its folder in the file manager.</source>
        <translation>请在文件管理器中删除其文件夹。</translation>
    </message>
    <message>
        <source>Resume…</source>
        <translation>继续…</translation>
    </message>
    <message>
        <source>Train longer…</source>
        <translation>训练更多轮…</translation>
    </message>
    <message>
        <source>Warm start from its weights</source>
        <translation>以其权重热启动</translation>
    </message>
    <message>
        <source>Show on the Models page</source>
        <translation>在“模型”页中显示</translation>
    </message>
    <message>
        <source>Open its design</source>
        <translation>打开其方案</translation>
    </message>
    <message>
        <source>Train the same again</source>
        <translation>同样设置再训练</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>删除…</translation>
    </message>
    <message>
        <source>Compare with lightweight</source>
        <translation>与轻量模型对比</translation>
    </message>
    <message>
        <source>Compare with standard</source>
        <translation>与标准模型对比</translation>
    </message>
    <message>
        <source>There is no finished run of the other kind yet.</source>
        <translation>还没有另一类的已完成训练。</translation>
    </message>
    <message>
        <source>Convert to lightweight</source>
        <translation>转换为轻量模型</translation>
    </message>
    <message>
        <source>Swapped layers are fitted to training pictures; takes seconds, trains nothing</source>
        <translation>用训练图片拟合替换的层；只需数秒，无需训练</translation>
    </message>
</context>
<context>
    <name>RunControls</name>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Continue training</source>
        <translation>继续训练</translation>
    </message>
    <message>
        <source>Pause training</source>
        <translation>暂停训练</translation>
    </message>
    <message>
        <source>Goes on with the next batch</source>
        <translation>从下一个批次继续</translation>
    </message>
    <message>
        <source>Lies still after this batch and keeps its memory; the processor is free meanwhile</source>
        <translation>当前批次之后暂停，保留内存，期间不占用处理器</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stop after this epoch</source>
        <translation>本轮结束后停止</translation>
    </message>
    <message>
        <source>Stop now</source>
        <translation>立即停止</translation>
    </message>
    <message>
        <source>Stop now, and begin nothing more</source>
        <translation>立即停止，并且不再开始其他训练</translation>
    </message>
    <message>
        <source>End its process</source>
        <translation>结束进程</translation>
    </message>
    <message>
        <source>For a training that does not stop when asked; its last complete epoch is kept</source>
        <translation>用于不响应停止请求的训练；最后一个完整的轮次会保留</translation>
    </message>
</context>
<context>
    <name>RunPictures</name>
    <message>
        <source>batch {number}, as augmented</source>
        <translation>批次 {number}（增强后）</translation>
    </message>
    <message>
        <source>epoch {epoch}</source>
        <translation>第 {epoch} 轮</translation>
    </message>
    <message>
        <source>Augmented batches</source>
        <translation>增强后的批次</translation>
    </message>
    <message>
        <source>Epoch</source>
        <translation>轮</translation>
    </message>
    <message>
        <source>Back through the epochs. Dashed: labels. Solid: found, with confidence.</source>
        <translation>回看各轮。虚线：标签。实线：检测结果及置信度。</translation>
    </message>
    <message>
        <source>Pictures appear after the first epoch; runs of earlier versions have none.</source>
        <translation>图片在第一轮之后出现；旧版本的训练记录没有图片。</translation>
    </message>
</context>
<context>
    <name>RunStatus</name>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>running</source>
        <translation>训练中</translation>
    </message>
    <message>
        <source>finished</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>interrupted</source>
        <translation>已中断</translation>
    </message>
    <message>
        <source>getting ready</source>
        <translation>准备中</translation>
    </message>
    <message>
        <source>epoch {epoch}/{epochs}, batch {batch}/{batches}</source>
        <translation>第 {epoch}/{epochs} 轮，批次 {batch}/{batches}</translation>
    </message>
    <message>
        <source>epoch {epoch}/{epochs}</source>
        <translation>第 {epoch}/{epochs} 轮</translation>
    </message>
    <message>
        <source>{speed} pictures/s</source>
        <translation>{speed} 张/秒</translation>
    </message>
    <message>
        <source>{count} M parameters</source>
        <translation>参数量 {count} M</translation>
    </message>
    <message>
        <source>{elapsed}, {remaining} left</source>
        <translation>已用 {elapsed}，剩余 {remaining}</translation>
    </message>
</context>
<context>
    <name>RunTable</name>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>epoch {epoch}/{epochs}</source>
        <translation>第 {epoch}/{epochs} 轮</translation>
    </message>
    <message>
        <source>finished, {epochs} epochs</source>
        <translation>已完成，{epochs} 轮</translation>
    </message>
    <message>
        <source>stopped after epoch {done}/{epochs}</source>
        <translation>第 {done}/{epochs} 轮后停止</translation>
    </message>
    <message>
        <source>failed in epoch {epoch}/{epochs}</source>
        <translation>第 {epoch}/{epochs} 轮失败</translation>
    </message>
    <message>
        <source>interrupted after epoch {done}/{epochs}</source>
        <translation>第 {done}/{epochs} 轮后中断</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>训练记录</translation>
    </message>
    <message>
        <source>mAP50-95 of the best epoch; check a box to overlay the curves</source>
        <translation>最佳轮次的 mAP50-95；勾选可叠加曲线</translation>
    </message>
</context>
<context>
    <name>RuntimeDialog</name>
    <message>
        <source>Measure with another runtime</source>
        <translation>用其他推理后端测量</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Runtime</source>
        <translation>推理后端</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程</translation>
    </message>
    <message>
        <source>What is not installed, or not possible here, is said when it is tried.</source>
        <translation>若未安装或本机不支持，尝试时会说明。</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Measure this design</source>
        <translation>测量此方案</translation>
    </message>
    <message>
        <source>Measure this machine</source>
        <translation>测量本机</translation>
    </message>
</context>
<context>
    <name>RuntimeMenus</name>
    <message>
        <source>Fastest here</source>
        <translation>本机最快</translation>
    </message>
    <message>
        <source>Any precision</source>
        <translation>精度不限</translation>
    </message>
    <message>
        <source>The fastest that keeps the accuracy; never INT8</source>
        <translation>保持准确度的最快精度；绝不是 INT8</translation>
    </message>
    <message>
        <source>Any device</source>
        <translation>设备不限</translation>
    </message>
    <message>
        <source>Runtime</source>
        <translation>推理后端</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>{runtime} in {precision}, until the runtimes of this machine are measured.</source>
        <translation>{runtime}（{precision}），直到本机的运行时测量完成。</translation>
    </message>
    <message>
        <source>{runtime} in {precision}: of all that keep the accuracy the fastest on this machine, {ms:.1f} ms for the sample&apos;s pair.</source>
        <translation>{runtime}（{precision}）：本机上保持准确度的最快者，示例的一对检测器用时 {ms:.1f} 毫秒。</translation>
    </message>
    <message>
        <source>Not installed here; it needs: {packages}</source>
        <translation>本机未安装；需要：{packages}</translation>
    </message>
    <message>
        <source>Not measured on this machine yet</source>
        <translation>本机尚未测量</translation>
    </message>
    <message>
        <source>{ms:.1f} ms for the sample&apos;s pair, in {precision}</source>
        <translation>示例的一对检测器用时 {ms:.1f} 毫秒（{precision}）</translation>
    </message>
    <message>
        <source>{name} is run by ONNX Runtime or OpenVINO alone.</source>
        <translation>{name} 只能由 ONNX Runtime 或 OpenVINO 运行。</translation>
    </message>
    <message>
        <source>{name} is run by OpenVINO alone.</source>
        <translation>{name} 只能由 OpenVINO 运行。</translation>
    </message>
    <message>
        <source>Nothing here computes in {precision}.</source>
        <translation>本机没有能以 {precision} 计算的运行时。</translation>
    </message>
    <message>
        <source>Never by itself: it finds {share:.0%} of the boxes of f32 again.</source>
        <translation>不会自动选用：它只重新找到 f32 的 {share:.0%} 的框。</translation>
    </message>
    <message>
        <source>{ms:.1f} ms for the sample&apos;s pair, on {runtime}</source>
        <translation>示例的一对检测器用时 {ms:.1f} 毫秒（{runtime}）</translation>
    </message>
    <message>
        <source>It may find other boxes, so it is never chosen by itself. OpenVINO only; calibrated on the training pictures of the run, which takes a while the first time.</source>
        <translation>它可能找到不同的框，因此从不自动选用。仅限 OpenVINO；用该训练的训练图片校准，首次需要一些时间。</translation>
    </message>
    <message>
        <source>None was found when the runtimes were measured.</source>
        <translation>测量运行时时未发现该设备。</translation>
    </message>
</context>
<context>
    <name>SizeHistogram</name>
    <message>
        <source>Box sizes</source>
        <translation>框的大小</translation>
    </message>
    <message>
        <source>{low} to {high} % of the longer side</source>
        <translation>长边的 {low} 到 {high}%</translation>
    </message>
    <message>
        <source>{low} to {high} px at {side} px</source>
        <translation>{side} px 时为 {low} 到 {high} px</translation>
    </message>
    <message>
        <source>no box</source>
        <translation>没有框</translation>
    </message>
    <message>
        <source>{pixels} px at {side}</source>
        <translation>{pixels} px（输入 {side}）</translation>
    </message>
    <message>
        <source>No boxes.</source>
        <translation>没有框。</translation>
    </message>
    <message>
        <source>{count} boxes; the middle one measures {percent} % of the picture&apos;s longer side.</source>
        <translation>{count} 个框；中位大小为图片长边的 {percent}%。</translation>
    </message>
</context>
<context>
    <name>SourceMenu</name>
    <message>
        <source>Camera settings…</source>
        <translation>摄像头设置…</translation>
    </message>
    <message>
        <source>Sample clip</source>
        <translation>示例视频</translation>
    </message>
    <message>
        <source>Screen</source>
        <translation>屏幕</translation>
    </message>
    <message>
        <source>Screen {number}</source>
        <translation>屏幕 {number}</translation>
    </message>
    <message>
        <source>Video file…</source>
        <translation>视频文件…</translation>
    </message>
    <message>
        <source>Folder of pictures…</source>
        <translation>图片文件夹…</translation>
    </message>
    <message>
        <source>Stream address…</source>
        <translation>视频流地址…</translation>
    </message>
    <message>
        <source>Videos ({pattern})</source>
        <translation>视频 ({pattern})</translation>
    </message>
    <message>
        <source>Choose a video</source>
        <translation>选择视频</translation>
    </message>
    <message>
        <source>Choose a folder of pictures</source>
        <translation>选择图片文件夹</translation>
    </message>
</context>
<context>
    <name>Statistics</name>
    <message>
        <source>Classes</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>Choose a class to see its pictures and sizes alone.</source>
        <translation>选择类别，只看该类的图片和框大小。</translation>
    </message>
    <message>
        <source>Box sizes</source>
        <translation>框的大小</translation>
    </message>
    <message>
        <source>√(width × height) of a box, as a share of its picture&apos;s longer side</source>
        <translation>框的 √(宽 × 高) 占图片长边的比例</translation>
    </message>
    <message>
        <source>{boxes} boxes, {mean} a picture</source>
        <translation>{boxes} 个框，平均每张 {mean} 个</translation>
    </message>
</context>
<context>
    <name>TargetFields</name>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Parameters (M)</source>
        <translation>参数量 (M)</translation>
    </message>
    <message>
        <source>File size (MB)</source>
        <translation>文件大小 (MB)</translation>
    </message>
    <message>
        <source>Milliseconds</source>
        <translation>毫秒</translation>
    </message>
    <message>
        <source>Target for {resource}</source>
        <translation>{resource}的目标</translation>
    </message>
    <message>
        <source>The most it may cost, such as 4.2, or a change with its sign, such as −50 %.</source>
        <translation>开销上限，如 4.2；或带正负号的变化，如 −50%。</translation>
    </message>
    <message>
        <source>any</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>standard {value}</source>
        <translation>标准 {value}</translation>
    </message>
    <message>
        <source>≤ {value} ({change})</source>
        <translation>≤ {value} ({change})</translation>
    </message>
</context>
<context>
    <name>TaskCell</name>
    <message>
        <source>Cancel: {title}</source>
        <translation>取消：{title}</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
</context>
<context>
    <name>Text</name>
    <message>
        <source>, </source>
        <translation>、</translation>
    </message>
    <message>
        <source>{first} {second}</source>
        <translation>{first}{second}</translation>
    </message>
    <message>
        <source>{kind} ({options})</source>
        <translation>{kind}（{options}）</translation>
    </message>
</context>
<context>
    <name>ThumbnailModel</name>
    <message>
        <source>no object</source>
        <translation>没有目标</translation>
    </message>
</context>
<context>
    <name>Totals</name>
    <message>
        <source>{before} → {after}, {change}</source>
        <translation>{before} → {after}，{change}</translation>
    </message>
    <message>
        <source>Totals of the standard and the lightweight model</source>
        <translation>标准模型与轻量模型的总开销</translation>
    </message>
    <message>
        <source>Parameters (M)</source>
        <translation>参数量 (M)</translation>
    </message>
    <message>
        <source>Numbers that training learns, in millions.</source>
        <translation>训练所学的参数个数，单位百万。</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>Floating-point operations for one picture: 2 × multiply-adds.</source>
        <translation>处理一张图片的浮点运算量：2 × 乘加次数。</translation>
    </message>
    <message>
        <source>Size (MB)</source>
        <translation>大小 (MB)</translation>
    </message>
    <message>
        <source>Tensor bytes of the FP16 checkpoint.</source>
        <translation>FP16 检查点中张量的字节数。</translation>
    </message>
    <message>
        <source>Activations (MB)</source>
        <translation>激活 (MB)</translation>
    </message>
    <message>
        <source>Peak memory of the intermediate results for one picture, in float32.</source>
        <translation>处理一张图片时中间结果的峰值内存 (float32)。</translation>
    </message>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>Lightweight</source>
        <translation>轻量</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>deployed</source>
        <translation>部署形式</translation>
    </message>
    <message>
        <source>The lightweight model as a runtime executes it: BatchNorm folded, multipliers unrolled.</source>
        <translation>推理后端实际执行的轻量模型：BatchNorm 已折叠，通道倍数已展开。</translation>
    </message>
    <message>
        <source>Input size (px)</source>
        <translation>输入尺寸 (px)</translation>
    </message>
    <message>
        <source>Input size in pixels</source>
        <translation>输入尺寸（像素）</translation>
    </message>
    <message>
        <source>A multiple of 32, or width × height, such as 640×384.</source>
        <translation>32 的倍数，或宽 × 高，如 640×384。</translation>
    </message>
    <message>
        <source>“{text}” is not an input size.</source>
        <translation>“{text}”不是有效的输入尺寸。</translation>
    </message>
    <message>
        <source>Write a multiple of 32 up to 8192, such as 640, or width × height, such as 640×384.</source>
        <translation>请输入不超过 8192 的 32 的倍数（如 640），或宽 × 高（如 640×384）。</translation>
    </message>
</context>
<context>
    <name>TrainForm</name>
    <message>
        <source>Design</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据集</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>轮数</translation>
    </message>
    <message>
        <source>Size, px</source>
        <translation>尺寸 (px)</translation>
    </message>
    <message>
        <source>Batch</source>
        <translation>批大小</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Warm start</source>
        <translation>热启动</translation>
    </message>
    <message>
        <source>Name of the run</source>
        <translation>训练名称</translation>
    </message>
    <message>
        <source>New layers</source>
        <translation>新层初始化</translation>
    </message>
    <message>
        <source>Seeds, how many</source>
        <translation>种子个数</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>高级</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>from the design</source>
        <translation>取自方案</translation>
    </message>
    <message>
        <source>auto</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>0 takes the largest batch that fits and is still sensible</source>
        <translation>0 表示取放得下且合理的最大批次</translation>
    </message>
    <message>
        <source>Trains once with each of so many seeds, one after the other</source>
        <translation>用这么多个随机种子依次各训练一次</translation>
    </message>
    <message>
        <source>Refitted to training pictures</source>
        <translation>按训练图片拟合</translation>
    </message>
    <message>
        <source>Factorised</source>
        <translation>矩阵分解</translation>
    </message>
    <message>
        <source>Random</source>
        <translation>随机初始化</translation>
    </message>
</context>
<context>
    <name>TrainPage</name>
    <message>
        <source>Training: {names}.</source>
        <translation>正在训练：{names}。</translation>
    </message>
    <message>
        <source>There is no data to train on yet.</source>
        <translation>还没有训练数据。</translation>
    </message>
    <message>
        <source>Choose a data set, or take the built-in sample.</source>
        <translation>请选择数据集，或使用内置示例。</translation>
    </message>
    <message>
        <source>Use the sample</source>
        <translation>使用示例</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>The open design and the data are chosen: the training can begin.</source>
        <translation>方案和数据已选好，可以开始训练。</translation>
    </message>
    <message>
        <source>Nothing has been trained in this workspace yet.</source>
        <translation>此工作区还没有训练过。</translation>
    </message>
    <message>
        <source>Choose data, then train the open design and, to compare with, its standard model.</source>
        <translation>选择数据，训练当前方案及用于对比的标准模型。</translation>
    </message>
    <message>
        <source>{names} waits in the queue.</source>
        <translation>{names} 已加入队列等待。</translation>
    </message>
    <message>
        <source>{name} ends after this batch.</source>
        <translation>{name} 将在当前批次之后停止。</translation>
    </message>
    <message>
        <source>{name} ends after this batch, and nothing more begins.</source>
        <translation>{name} 将在当前批次之后停止，之后不再开始其他训练。</translation>
    </message>
    <message>
        <source>{name} ends after this epoch.</source>
        <translation>{name} 将在本轮之后停止。</translation>
    </message>
    <message>
        <source>{name} lies still after this batch.</source>
        <translation>{name} 将在当前批次之后暂停。</translation>
    </message>
    <message>
        <source>Changing {name}; its design stays.</source>
        <translation>正在修改 {name}；其方案不变。</translation>
    </message>
    <message>
        <source>Choose data</source>
        <translation>选择数据</translation>
    </message>
    <message>
        <source>Use the built-in sample</source>
        <translation>使用内置示例</translation>
    </message>
</context>
<context>
    <name>TrainTray</name>
    <message>
        <source>Training {name}</source>
        <translation>训练 {name}</translation>
    </message>
    <message>
        <source>epoch {epoch}/{epochs}</source>
        <translation>第 {epoch}/{epochs} 轮</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Let it go on</source>
        <translation>让它继续</translation>
    </message>
    <message>
        <source>Stop it</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>A training is running</source>
        <translation>训练正在进行</translation>
    </message>
    <message>
        <source>{names} can go on without the Studio.</source>
        <translation>关闭 Studio 后 {names} 可以继续训练。</translation>
    </message>
    <message>
        <source>It is found again at the next start. Stopped, it keeps its last complete epoch.</source>
        <translation>下次启动时会重新显示。若停止，则保留最后一个完整轮次。</translation>
    </message>
    <message>
        <source>Show it</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>{name} is finished: mAP50-95 {figure}.</source>
        <translation>{name} 已完成：mAP50-95 {figure}。</translation>
    </message>
    <message>
        <source>{name}: {reason}</source>
        <translation>{name}：{reason}</translation>
    </message>
    <message>
        <source>The queue goes on with {name}.</source>
        <translation>队列接着训练 {name}。</translation>
    </message>
    <message>
        <source>Training ended</source>
        <translation>训练结束</translation>
    </message>
</context>
<context>
    <name>TransferCard</name>
    <message>
        <source>{kind}: {what}</source>
        <translation>{kind}：{what}</translation>
    </message>
    <message>
        <source>Fresh weights: nothing was carried over.</source>
        <translation>随机初始化：没有沿用任何权重。</translation>
    </message>
    <message>
        <source>Appears once the first weights are there.</source>
        <translation>得到初始权重后显示。</translation>
    </message>
    <message>
        <source>{count} {how}</source>
        <translation>{how} {count}</translation>
    </message>
    <message>
        <source>{energy} of the output kept on average</source>
        <translation>平均保留 {energy} 的输出能量</translation>
    </message>
    <message>
        <source>{how}: {modules} modules, {parameters} parameters</source>
        <translation>{how}：{modules} 个模块，{parameters} 个参数</translation>
    </message>
    <message>
        <source>copied</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>refitted</source>
        <translation>拟合</translation>
    </message>
    <message>
        <source>factorised</source>
        <translation>分解</translation>
    </message>
    <message>
        <source>identity</source>
        <translation>恒等</translation>
    </message>
    <message>
        <source>fresh</source>
        <translation>随机</translation>
    </message>
    <message>
        <source>Transfer</source>
        <translation>权重迁移</translation>
    </message>
    <message>
        <source>Module</source>
        <translation>模块</translation>
    </message>
    <message>
        <source>How</source>
        <translation>方式</translation>
    </message>
    <message>
        <source>Energy</source>
        <translation>能量</translation>
    </message>
    <message>
        <source>Share of the standard layer&apos;s output that the new layer reproduces</source>
        <translation>新层复现标准层输出的比例</translation>
    </message>
    <message>
        <source>Transfer report</source>
        <translation>权重迁移报告</translation>
    </message>
</context>
<context>
    <name>Transport</name>
    <message>
        <source>How fast a file is played ([ and ])</source>
        <translation>文件的播放速度（[ 和 ]）</translation>
    </message>
    <message>
        <source>Playing speed</source>
        <translation>播放速度</translation>
    </message>
    <message>
        <source>Begin again at the end</source>
        <translation>到结尾后重新开始</translation>
    </message>
    <message>
        <source>One picture back</source>
        <translation>后退一帧</translation>
    </message>
    <message>
        <source>One picture on</source>
        <translation>前进一帧</translation>
    </message>
    <message>
        <source>Position in the clip</source>
        <translation>播放位置</translation>
    </message>
</context>
<context>
    <name>Tray</name>
    <message>
        <source>Nothing running</source>
        <translation>没有任务</translation>
    </message>
    <message>
        <source>and {count} more</source>
        <translation>另有 {count} 个</translation>
    </message>
</context>
<context>
    <name>Verdict</name>
    <message>
        <source>{rate} pairs/s</source>
        <translation>{rate} 对/秒</translation>
    </message>
    <message numerus="yes">
        <source>%n dropped</source>
        <translation>
            <numerusform>丢弃 %n 帧</numerusform>
        </translation>
    </message>
    <message>
        <source>age {age} ms</source>
        <translation>画面延迟 {age} ms</translation>
    </message>
    <message>
        <source>Pictures of the source that were left out because a newer one had come</source>
        <translation>因有更新画面而跳过的帧数</translation>
    </message>
    <message>
        <source>From the picture&apos;s capture until it is painted with both results</source>
        <translation>从采集画面到显示两侧结果的时间</translation>
    </message>
    <message>
        <source>The speed-up appears as soon as both detectors have seen the same pictures.</source>
        <translation>两个检测器处理相同画面后即显示加速比。</translation>
    </message>
    <message>
        <source>The right one is faster.</source>
        <translation>右侧更快。</translation>
    </message>
    <message>
        <source>The right one is slower here.</source>
        <translation>右侧在本机更慢。</translation>
    </message>
    <message>
        <source>No difference can be told yet.</source>
        <translation>尚无法分出快慢。</translation>
    </message>
    <message>
        <source>Solid: both sides have the box, overlapping by half or more, and the same class</source>
        <translation>实线：两侧都有该框，重叠达一半以上，类别相同</translation>
    </message>
    <message>
        <source>Double: both sides have the box, under different classes</source>
        <translation>双线：两侧都有该框，但类别不同</translation>
    </message>
    <message>
        <source>Dashed: only the left side has the box</source>
        <translation>虚线：仅左侧有该框</translation>
    </message>
    <message>
        <source>Dotted: only the right side has the box</source>
        <translation>点线：仅右侧有该框</translation>
    </message>
    <message numerus="yes">
        <source>%n agree</source>
        <translation>
            <numerusform>一致 %n</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n class changed</source>
        <translation>
            <numerusform>类别不同 %n</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n only left</source>
        <translation>
            <numerusform>仅左侧 %n</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n only right</source>
        <translation>
            <numerusform>仅右侧 %n</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>WarmUp</name>
    <message>
        <source>Finding the fastest runtime</source>
        <translation>正在寻找最快的推理后端</translation>
    </message>
</context>
<context>
    <name>WeightsMenu</name>
    <message>
        <source>Fresh weights</source>
        <translation>随机初始化</translation>
    </message>
    <message>
        <source>run {name}</source>
        <translation>训练 {name}</translation>
    </message>
    <message>
        <source>The first weights</source>
        <translation>初始权重</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>训练记录</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Choose a checkpoint…</source>
        <translation>选择检查点…</translation>
    </message>
    <message>
        <source>Choose a checkpoint</source>
        <translation>选择检查点</translation>
    </message>
    <message>
        <source>Checkpoints (*.pt)</source>
        <translation>检查点 (*.pt)</translation>
    </message>
    <message>
        <source>{name}, mAP50-95 {figure}</source>
        <translation>{name}，mAP50-95 {figure}</translation>
    </message>
</context>
<context>
    <name>core</name>
    <message>
        <source>The sample&apos;s detector is missing: {path}.</source>
        <translation>示例检测器缺失：{path}。</translation>
    </message>
    <message>
        <source>Install the Studio again.</source>
        <translation>请重新安装 Studio。</translation>
    </message>
    <message>
        <source>A model cannot have {count} classes.</source>
        <translation>模型不能有 {count} 个类别。</translation>
    </message>
    <message>
        <source>Choose a number from 1 to 10000.</source>
        <translation>请选择 1 到 10000 之间的数。</translation>
    </message>
    <message>
        <source>“{name}” does something else than detecting boxes.</source>
        <translation>“{name}”的用途不是检测框。</translation>
    </message>
    <message>
        <source>The Studio lightens detectors. Choose one of {choices}.</source>
        <translation>Studio 只轻量化检测器。可选：{choices}。</translation>
    </message>
    <message>
        <source>“{name}” looks for what a text names, which needs a language model.</source>
        <translation>“{name}”按文字查找目标，需要语言模型。</translation>
    </message>
    <message>
        <source>Choose a detector with fixed classes: {choices}.</source>
        <translation>请选择类别固定的检测器：{choices}。</translation>
    </message>
    <message>
        <source>“{name}” decodes by a transformer, which has no convolutions to lighten.</source>
        <translation>“{name}”用 Transformer 解码，没有可轻量化的卷积。</translation>
    </message>
    <message>
        <source>Choose a convolutional detector: {choices}.</source>
        <translation>请选择卷积检测器：{choices}。</translation>
    </message>
    <message>
        <source>Unknown base model “{name}”.</source>
        <translation>未知的基础模型“{name}”。</translation>
    </message>
    <message>
        <source>There is no activation “{name}”.</source>
        <translation>没有名为“{name}”的激活函数。</translation>
    </message>
    <message>
        <source>Choose one of {choices}.</source>
        <translation>可选：{choices}。</translation>
    </message>
    <message>
        <source>“{name}” comes in several sizes.</source>
        <translation>“{name}”有多种规模。</translation>
    </message>
    <message>
        <source>Depthwise separable</source>
        <translation>深度可分离卷积</translation>
    </message>
    <message>
        <source>A depthwise k×k convolution, then a pointwise 1×1 convolution.</source>
        <translation>先 k×k 深度卷积，再 1×1 逐点卷积。</translation>
    </message>
    <message>
        <source>Depthwise filters for each input channel</source>
        <translation>每个输入通道的深度卷积核数</translation>
    </message>
    <message>
        <source>Grouped (DWConv)</source>
        <translation>分组卷积 (DWConv)</translation>
    </message>
    <message>
        <source>One k×k convolution in gcd(c1, c2) groups; channels are not mixed.</source>
        <translation>一个 k×k 卷积，分为 gcd(c1, c2) 组；通道之间不混合。</translation>
    </message>
    <message>
        <source>Ghost convolution</source>
        <translation>Ghost 卷积</translation>
    </message>
    <message>
        <source>A k×k convolution makes half of the channels, 5×5 depthwise filters the others from them.</source>
        <translation>一半通道由 k×k 卷积得到，另一半由 5×5 深度卷积从中生成。</translation>
    </message>
    <message>
        <source>Decoupled downsampling (SCDown)</source>
        <translation>解耦下采样 (SCDown)</translation>
    </message>
    <message>
        <source>A pointwise convolution at full resolution, then a depthwise one of stride 2.</source>
        <translation>先在原分辨率上做逐点卷积，再做步长 2 的深度卷积。</translation>
    </message>
    <message>
        <source>Grouped RepConv</source>
        <translation>分组 RepConv</translation>
    </message>
    <message>
        <source>A grouped 3×3 and a grouped 1×1 branch, merged into one convolution when deployed.</source>
        <translation>3×3 与 1×1 两个分组卷积分支，部署时合并为一个卷积。</translation>
    </message>
    <message>
        <source>Groups of channels</source>
        <translation>通道的组数</translation>
    </message>
    <message>
        <source>Side of the depthwise kernel</source>
        <translation>深度卷积核的边长</translation>
    </message>
    <message>
        <source>Squeeze-and-excitation: 1 weighs the channels, 0 does not</source>
        <translation>压缩激励 (SE)：1 为通道加权，0 为不加权</translation>
    </message>
    <message>
        <source>Open it: the 3×3 convolutions of its bottlenecks can be replaced one by one.</source>
        <translation>请展开：其中各瓶颈的 3×3 卷积可逐个替换。</translation>
    </message>
    <message>
        <source>This kind replaces whole modules such as a C3, not a single convolution.</source>
        <translation>此类型替换 C3 等整个模块，不替换单个卷积。</translation>
    </message>
    <message>
        <source>This kind replaces convolutions of stride 2 only.</source>
        <translation>此类型只替换步长为 2 的卷积。</translation>
    </message>
    <message>
        <source>This kind keeps the resolution; here it is halved.</source>
        <translation>此类型保持分辨率，而此处分辨率减半。</translation>
    </message>
    <message>
        <source>Choose an odd kernel: an even one has no centre.</source>
        <translation>请选择奇数卷积核，偶数的没有中心。</translation>
    </message>
    <message>
        <source>This kind needs an even number of output channels.</source>
        <translation>此类型需要偶数个输出通道。</translation>
    </message>
    <message>
        <source>This kind exists with 3×3 kernels and padding 1 only.</source>
        <translation>此类型只有 3×3 卷积核、填充为 1 的形式。</translation>
    </message>
    <message>
        <source>Its channels cannot be divided into so many groups.</source>
        <translation>通道数无法分成这么多组。</translation>
    </message>
    <message>
        <source>This kind works at the resolution of its input, which here is not twice that of the output.</source>
        <translation>此类型在输入的分辨率上计算，而此处输入的分辨率不是输出的 2 倍。</translation>
    </message>
    <message>
        <source>It has only 1×1 convolutions and pooling: nothing to make depthwise.</source>
        <translation>其中只有 1×1 卷积和池化，没有可改为深度卷积的部分。</translation>
    </message>
    <message>
        <source>Open it: the 3×3 convolutions of its branches can be replaced one by one.</source>
        <translation>请展开：其中各分支的 3×3 卷积可逐个替换。</translation>
    </message>
    <message>
        <source>It has no weights: it only enlarges.</source>
        <translation>没有权重：只做上采样。</translation>
    </message>
    <message>
        <source>It has no weights to save.</source>
        <translation>没有可节省的权重。</translation>
    </message>
    <message>
        <source>Open it: what can be replaced stands inside it.</source>
        <translation>请展开：可替换的部分在其内部。</translation>
    </message>
    <message>
        <source>It computes attention, for which there is no lighter kind here.</source>
        <translation>它计算注意力，这里没有更轻的替换类型。</translation>
    </message>
    <message>
        <source>It is a light block already.</source>
        <translation>它已是轻量块。</translation>
    </message>
    <message>
        <source>It is a branch of a RepConv: choose the whole RepConv.</source>
        <translation>它是 RepConv 的一个分支，请选择整个 RepConv。</translation>
    </message>
    <message>
        <source>It is changed along with its twin in the other head.</source>
        <translation>它随另一检测头中对应的部分一起更改。</translation>
    </message>
    <message>
        <source>It has no weights: it only joins channels.</source>
        <translation>没有权重：只拼接通道。</translation>
    </message>
    <message>
        <source>It has no weights: it only takes the largest value.</source>
        <translation>没有权重：只取最大值。</translation>
    </message>
    <message>
        <source>It turns box distributions into numbers and is not trained.</source>
        <translation>它把框的分布转换为数值，不参与训练。</translation>
    </message>
    <message>
        <source>It only groups modules: choose one inside it.</source>
        <translation>它只是模块的容器，请选择其中的模块。</translation>
    </message>
    <message>
        <source>Its kernel is 1×1: it is pointwise already, there is nothing to split.</source>
        <translation>卷积核为 1×1，已是逐点卷积，无可拆分。</translation>
    </message>
    <message>
        <source>It makes the final predictions: a bare 1×1 convolution, pointwise already.</source>
        <translation>它输出最终预测，是单纯的 1×1 卷积，已是逐点卷积。</translation>
    </message>
    <message>
        <source>It is a grouped convolution already.</source>
        <translation>它已是分组卷积。</translation>
    </message>
    <message>
        <source>It is not a convolution with a kernel above 1×1.</source>
        <translation>它不是卷积核大于 1×1 的卷积。</translation>
    </message>
    <message>
        <source>An input size of {side} pixels is not possible.</source>
        <translation>输入尺寸不能是 {side} 像素。</translation>
    </message>
    <message>
        <source>Choose a multiple of {cell} from {cell} to 8192, such as 640.</source>
        <translation>请选择 {cell} 到 8192 之间 {cell} 的倍数，如 640。</translation>
    </message>
    <message>
        <source>{first} and {second} both change {path}.</source>
        <translation>{first}和{second}都更改了 {path}。</translation>
    </message>
    <message>
        <source>Remove one of them, or make its pattern narrower.</source>
        <translation>请删除其中之一，或缩小其匹配范围。</translation>
    </message>
    <message>
        <source>swap {pattern}</source>
        <translation>替换 {pattern}</translation>
    </message>
    <message>
        <source>Swap {pattern}</source>
        <translation>替换 {pattern}</translation>
    </message>
    <message>
        <source>line {line} ({pattern})</source>
        <translation>第 {line} 行（{pattern}）</translation>
    </message>
    <message>
        <source>Line {line} ({pattern})</source>
        <translation>第 {line} 行（{pattern}）</translation>
    </message>
    <message>
        <source>{place}: {base} has no such module.</source>
        <translation>{place}：{base} 没有这样的模块。</translation>
    </message>
    <message>
        <source>See the module paths with: layers --base {base}.</source>
        <translation>可用 layers --base {base} 查看模块路径。</translation>
    </message>
    <message>
        <source>{place}: this module cannot be replaced. {why}</source>
        <translation>{place}：此模块不可替换。{why}</translation>
    </message>
    <message>
        <source>See what can be replaced with: layers --base {base}.</source>
        <translation>可用 layers --base {base} 查看可替换的模块。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>{path} 无法写入：{reason}。</translation>
    </message>
    <message>
        <source>Choose another folder or name.</source>
        <translation>请选择其他文件夹或名称。</translation>
    </message>
    <message>
        <source>Another model stands in {path}.</source>
        <translation>{path} 中是另一个模型。</translation>
    </message>
    <message>
        <source>Choose another folder, or rename the file.</source>
        <translation>请选择其他文件夹，或重命名该文件。</translation>
    </message>
    <message>
        <source>There is no preset “{name}”.</source>
        <translation>没有预设“{name}”。</translation>
    </message>
    <message>
        <source>Every 3×3 convolution but the stem becomes depthwise separable.</source>
        <translation>除首层外，所有 3×3 卷积改为深度可分离卷积。</translation>
    </message>
    <message>
        <source>Balanced: depthwise separable everywhere but in the stem, of rank 4 in the backbone and rank 2 elsewhere; half the cost, and hardly a loss of accuracy.</source>
        <translation>除首层外全部改为深度可分离卷积，骨干网络中 rank 为 4，其余部分 rank 为 2；开销减半，精度几乎不损失。</translation>
    </message>
    <message>
        <source>Smallest: C3 modules become ShuffleNetV2 units, all other 3×3 convolutions but the stem depthwise separable; less than a quarter of the cost, and a clear loss of accuracy.</source>
        <translation>C3 模块改为 ShuffleNetV2 单元，除首层外其余 3×3 卷积改为深度可分离卷积；开销不到四分之一，精度明显下降。</translation>
    </message>
    <message>
        <source>The 3×3 convolutions of the backbone, but the stem, become depthwise separable.</source>
        <translation>除首层外，骨干网络的 3×3 卷积改为深度可分离卷积。</translation>
    </message>
    <message>
        <source>The 3×3 convolutions of the neck become depthwise separable.</source>
        <translation>颈部的 3×3 卷积改为深度可分离卷积。</translation>
    </message>
    <message>
        <source>The 3×3 convolutions of the head&apos;s box and class branches become depthwise separable.</source>
        <translation>检测头框分支和类别分支的 3×3 卷积改为深度可分离卷积。</translation>
    </message>
    <message>
        <source>Head classes: only the 3×3 convolutions of the head&apos;s class branches become depthwise separable.</source>
        <translation>只把检测头类别分支的 3×3 卷积改为深度可分离卷积。</translation>
    </message>
    <message>
        <source>Ghost: the stride-2 convolutions but the stem become Ghost convolutions, the C3 modules Ghost C3.</source>
        <translation>除首层外，步长 2 的卷积改为 Ghost 卷积，C3 模块改为 Ghost C3。</translation>
    </message>
    <message>
        <source>ShuffleNetV2 backbone: every stride-2 convolution but the stem and every C3 of the backbone becomes ShuffleNetV2 units.</source>
        <translation>除首层外，骨干网络中步长 2 的卷积和每个 C3 都改为 ShuffleNetV2 单元。</translation>
    </message>
    <message>
        <source>MobileNetV3 backbone: every stride-2 convolution but the stem and every C3 of the backbone becomes MobileNetV3 blocks.</source>
        <translation>除首层外，骨干网络中步长 2 的卷积和每个 C3 都改为 MobileNetV3 块。</translation>
    </message>
    <message>
        <source>EfficientNetV2 backbone: every stride-2 convolution but the stem and every C3 of the backbone becomes EfficientNetV2 blocks.</source>
        <translation>除首层外，骨干网络中步长 2 的卷积和每个 C3 都改为 EfficientNetV2 块。</translation>
    </message>
    <message>
        <source>The seed recipe: the stride-2 convolutions but the stem become grouped (DWConv).</source>
        <translation>初始做法：除首层外，步长 2 的卷积改为分组卷积 (DWConv)。</translation>
    </message>
    <message>
        <source>{base} has nothing that the preset “{name}” changes.</source>
        <translation>{base} 中没有预设“{name}”会更改的部分。</translation>
    </message>
    <message>
        <source>“{name}” is no design file, preset or base model.</source>
        <translation>“{name}”不是方案文件、预设或基础模型。</translation>
    </message>
    <message>
        <source>Presets: {presets}. Base models: {bases}.</source>
        <translation>预设：{presets}。基础模型：{bases}。</translation>
    </message>
    <message>
        <source>{path} is larger than a design can be (1 MB).</source>
        <translation>{path} 超过了方案文件的上限 (1 MB)。</translation>
    </message>
    <message>
        <source>Choose a design file.</source>
        <translation>请选择方案文件。</translation>
    </message>
    <message>
        <source>The description of {name} is damaged.</source>
        <translation>{name} 的描述文件已损坏。</translation>
    </message>
    <message>
        <source>Delete it, or install the Studio again.</source>
        <translation>请删除它，或重新安装 Studio。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}.</source>
        <translation>{path} 无法读取：{reason}。</translation>
    </message>
    <message>
        <source>Check the path and its permissions.</source>
        <translation>请检查路径及其权限。</translation>
    </message>
    <message>
        <source>{path} is not a text file.</source>
        <translation>{path} 不是文本文件。</translation>
    </message>
    <message>
        <source>Choose a design file (YAML).</source>
        <translation>请选择方案文件 (YAML)。</translation>
    </message>
    <message>
        <source>this is not YAML: {reason}.</source>
        <translation>不是有效的 YAML：{reason}。</translation>
    </message>
    <message>
        <source>Correct the line.</source>
        <translation>请改正该行。</translation>
    </message>
    <message>
        <source>this is not YAML.</source>
        <translation>不是有效的 YAML。</translation>
    </message>
    <message>
        <source>this is not a design.</source>
        <translation>不是方案文件。</translation>
    </message>
    <message>
        <source>A design begins with: format: 1.</source>
        <translation>方案文件应以 format: 1 开头。</translation>
    </message>
    <message>
        <source>unknown entry “{name}”.</source>
        <translation>未知的条目“{name}”。</translation>
    </message>
    <message>
        <source>A design has {entries}.</source>
        <translation>方案文件可有的条目：{entries}。</translation>
    </message>
    <message>
        <source>swaps must be a mapping.</source>
        <translation>swaps 必须是映射。</translation>
    </message>
    <message>
        <source>Write lines such as: model.3: separable.</source>
        <translation>请写成类似 model.3: separable 的行。</translation>
    </message>
    <message>
        <source>“{name}” stands twice, first in line {first}.</source>
        <translation>“{name}”出现两次，首次在第 {first} 行。</translation>
    </message>
    <message>
        <source>Remove one of them.</source>
        <translation>请删除其中之一。</translation>
    </message>
    <message>
        <source>a plain word is needed here.</source>
        <translation>此处应为普通文本。</translation>
    </message>
    <message>
        <source>Write it without brackets or tags.</source>
        <translation>请去掉括号或标签。</translation>
    </message>
    <message>
        <source>{name} cannot be “{value}”.</source>
        <translation>{name} 不能是“{value}”。</translation>
    </message>
    <message>
        <source>Give a whole number from {low} to {high}.</source>
        <translation>请填写 {low} 到 {high} 之间的整数。</translation>
    </message>
    <message>
        <source>the version of the format is missing.</source>
        <translation>缺少格式版本。</translation>
    </message>
    <message>
        <source>Add the line: format: {format}.</source>
        <translation>请添加一行：format: {format}。</translation>
    </message>
    <message>
        <source>format “{name}” is not known to this version of the Studio.</source>
        <translation>此版本的 Studio 不支持格式“{name}”。</translation>
    </message>
    <message>
        <source>It reads format {format}; a newer Studio may read this file.</source>
        <translation>它支持格式 {format}；更新版本的 Studio 或许能读取此文件。</translation>
    </message>
    <message>
        <source>the base model is missing.</source>
        <translation>缺少基础模型。</translation>
    </message>
    <message>
        <source>Add a line such as: base: yolov5n.</source>
        <translation>请添加一行，例如 base: yolov5n。</translation>
    </message>
    <message>
        <source>there is no model “{name}” beside this file.</source>
        <translation>此文件旁没有模型“{name}”。</translation>
    </message>
    <message>
        <source>Put the model&apos;s YAML there, and give its name alone, without a folder.</source>
        <translation>请把模型的 YAML 放到该处，只写文件名，不写文件夹。</translation>
    </message>
    <message>
        <source>a swap is a block kind, or a mapping.</source>
        <translation>替换应为替换类型或映射。</translation>
    </message>
    <message>
        <source>Write, for example: separable.</source>
        <translation>例如写成 separable。</translation>
    </message>
    <message>
        <source>the block kind is missing.</source>
        <translation>缺少替换类型。</translation>
    </message>
    <message>
        <source>Write, for example: {block: separable, rank: 2}.</source>
        <translation>例如写成 {block: separable, rank: 2}。</translation>
    </message>
    <message>
        <source>{block} has no option “{name}”.</source>
        <translation>{block} 没有选项“{name}”。</translation>
    </message>
    <message>
        <source>Its options: {options}.</source>
        <translation>可用选项：{options}。</translation>
    </message>
    <message>
        <source>unknown block kind “{name}”.</source>
        <translation>未知的替换类型“{name}”。</translation>
    </message>
    <message>
        <source>{source}: {problem}</source>
        <translation>{source}：{problem}</translation>
    </message>
    <message>
        <source>{source}, line {line}: {problem}</source>
        <translation>{source} 第 {line} 行：{problem}</translation>
    </message>
    <message>
        <source>{text} {remedy}</source>
        <translation>{text}{remedy}</translation>
    </message>
    <message>
        <source>{count} more of the kind {code} are not listed.</source>
        <translation>另有 {count} 条 {code} 类结果未列出。</translation>
    </message>
    <message>
        <source>The file asks to download or run something; the Studio does neither.</source>
        <translation>文件要求下载或运行内容，Studio 都不会执行。</translation>
    </message>
    <message>
        <source>If pictures are missing, fetch them yourself.</source>
        <translation>若缺少图片，请自行获取。</translation>
    </message>
    <message>
        <source>“{key}:” is there twice; the later one counts.</source>
        <translation>“{key}:”出现两次，以后一个为准。</translation>
    </message>
    <message>
        <source>“path: {folder}” is not on this computer; the file&apos;s own folder is used.</source>
        <translation>“path: {folder}”在本机不存在，改用文件所在的文件夹。</translation>
    </message>
    <message>
        <source>Correct the line, or remove it.</source>
        <translation>请改正或删除该行。</translation>
    </message>
    <message>
        <source>There is no line “{split}:”.</source>
        <translation>没有“{split}:”一行。</translation>
    </message>
    <message>
        <source>Add one that names the folder of those pictures.</source>
        <translation>请添加该行，指明图片所在文件夹。</translation>
    </message>
    <message>
        <source>The pictures of “{split}” are not there: {folder} does not exist.</source>
        <translation>“{split}”的图片不存在：没有 {folder}。</translation>
    </message>
    <message>
        <source>Correct the line “{split}:” or put the folder there.</source>
        <translation>请改正“{split}:”一行，或把文件夹放到该处。</translation>
    </message>
    <message>
        <source>There are no pictures for “{split}”.</source>
        <translation>“{split}”没有图片。</translation>
    </message>
    <message>
        <source>Put some into the folder, or name another folder.</source>
        <translation>请放入图片，或指定其他文件夹。</translation>
    </message>
    <message>
        <source>The list names a picture that is not there: {picture}.</source>
        <translation>列表中的图片不存在：{picture}。</translation>
    </message>
    <message>
        <source>Correct or remove the line.</source>
        <translation>请改正或删除该行。</translation>
    </message>
    <message>
        <source>The classes have no names; they are called class_0 to class_{last}.</source>
        <translation>类别没有名称，暂称 class_0 到 class_{last}。</translation>
    </message>
    <message>
        <source>Add a list “names:”.</source>
        <translation>请添加“names:”列表。</translation>
    </message>
    <message>
        <source>The name of class {index} is read as “{name}”, which may not be what it says.</source>
        <translation>类别 {index} 的名称被读作“{name}”，可能并非本意。</translation>
    </message>
    <message>
        <source>Put the name in quotation marks.</source>
        <translation>请给名称加上引号。</translation>
    </message>
    <message>
        <source>Classes {first} and {second} have the same name, “{name}”.</source>
        <translation>类别 {first} 和 {second} 同名：“{name}”。</translation>
    </message>
    <message>
        <source>Rename one, or make them one class.</source>
        <translation>请重命名其一，或合并为一类。</translation>
    </message>
    <message>
        <source>“nc: {nc}” and the {count} names contradict each other; the names count.</source>
        <translation>“nc: {nc}”与 {count} 个名称不符，以名称为准。</translation>
    </message>
    <message>
        <source>Remove the line “nc:”.</source>
        <translation>请删除“nc:”一行。</translation>
    </message>
    <message>
        <source>“channels: {channels}” is not supported; pictures are read in colour.</source>
        <translation>不支持“channels: {channels}”，图片按彩色读取。</translation>
    </message>
    <message>
        <source>Remove the line.</source>
        <translation>请删除该行。</translation>
    </message>
    <message>
        <source>This picture cannot be decoded ({why}).</source>
        <translation>图片无法解码（{why}）。</translation>
    </message>
    <message>
        <source>Replace or delete it; training leaves it out.</source>
        <translation>请替换或删除；训练会略过它。</translation>
    </message>
    <message>
        <source>Part of this picture is missing ({why}).</source>
        <translation>图片不完整（{why}）。</translation>
    </message>
    <message>
        <source>Copy it again, or delete it; training leaves it out.</source>
        <translation>请重新复制或删除；训练会略过它。</translation>
    </message>
    <message>
        <source>This picture claims {why} pixels, which would fill the memory; it was not opened.</source>
        <translation>图片声称有 {why} 像素，会占满内存，因此没有打开。</translation>
    </message>
    <message>
        <source>Make it smaller or delete it; training leaves it out.</source>
        <translation>请缩小或删除；训练会略过它。</translation>
    </message>
    <message>
        <source>This picture is only {why} pixels large.</source>
        <translation>图片只有 {why} 像素。</translation>
    </message>
    <message>
        <source>Delete it; training leaves it out.</source>
        <translation>请删除；训练会略过它。</translation>
    </message>
    <message>
        <source>This picture file cannot be read ({why}).</source>
        <translation>图片文件无法读取（{why}）。</translation>
    </message>
    <message>
        <source>Check that it exists and that you may read it.</source>
        <translation>请检查文件是否存在、是否有读取权限。</translation>
    </message>
    <message>
        <source>Something follows the end of this JPEG; stock training would overwrite the file.</source>
        <translation>此 JPEG 末尾之后还有数据，原版训练会改写该文件。</translation>
    </message>
    <message>
        <source>Nothing to do here: the Studio leaves it as it is.</source>
        <translation>无需处理：Studio 不会改动它。</translation>
    </message>
    <message>
        <source>Same picture as {other}, both in “{split}”.</source>
        <translation>与 {other} 相同，都在“{split}”中。</translation>
    </message>
    <message>
        <source>Delete one of them.</source>
        <translation>请删除其中之一。</translation>
    </message>
    <message>
        <source>Same picture as {other}: it is in “{split}” and in “{other_split}”.</source>
        <translation>与 {other} 相同：同时在“{split}”和“{other_split}”中。</translation>
    </message>
    <message>
        <source>Keep it in one of the two, or the figures will be too good.</source>
        <translation>请只保留一处，否则指标会偏高。</translation>
    </message>
    <message>
        <source>“{split}” and “{other_split}” share {count} picture files.</source>
        <translation>“{split}”与“{other_split}”共用 {count} 个图片文件。</translation>
    </message>
    <message>
        <source>Keep some pictures for “{other_split}” alone, or its figures say little.</source>
        <translation>请为“{other_split}”单独保留一些图片，否则其指标意义不大。</translation>
    </message>
    <message>
        <source>{count} .npy files lie beside the pictures; stock training would use them instead.</source>
        <translation>图片旁有 {count} 个 .npy 文件，原版训练会改用它们。</translation>
    </message>
    <message>
        <source>Nothing to do here: the Studio ignores them.</source>
        <translation>无需处理：Studio 会忽略它们。</translation>
    </message>
    <message>
        <source>Correct the line; until then training leaves the whole picture out.</source>
        <translation>请改正该行；在此之前训练会略过整张图片。</translation>
    </message>
    <message>
        <source>Delete the line.</source>
        <translation>请删除该行。</translation>
    </message>
    <message>
        <source>This picture folder is a link to {target}, where no labels lie: stock training finds none of its {count} labels and learns nothing. The Studio finds them.</source>
        <translation>此图片文件夹是指向 {target} 的链接，那里没有标签：原版训练找不到其 {count} 个标签，什么也学不到。Studio 能找到它们。</translation>
    </message>
    <message>
        <source>For use elsewhere, link the whole data set&apos;s folder, or copy the pictures.</source>
        <translation>若要在别处使用，请链接整个数据集文件夹，或复制图片。</translation>
    </message>
    <message>
        <source>This label cache was not made by the Studio and is not opened: it could run code.</source>
        <translation>此标签缓存并非 Studio 生成，不予打开：它可能会运行代码。</translation>
    </message>
    <message>
        <source>Nothing to do here; delete it before you train with other programs.</source>
        <translation>此处无需处理；用其他程序训练前请删除它。</translation>
    </message>
    <message>
        <source>The class “{name}” has no box in “train”: it cannot be learned.</source>
        <translation>类别“{name}”在“train”中没有框，无法学习。</translation>
    </message>
    <message>
        <source>Label some, or remove the class.</source>
        <translation>请标注一些，或删除该类别。</translation>
    </message>
    <message>
        <source>There is not one usable box to train on.</source>
        <translation>没有任何可用于训练的框。</translation>
    </message>
    <message>
        <source>Check where the labels lie: beside “images” there must be “labels”.</source>
        <translation>请检查标签位置：“images”旁应有“labels”文件夹。</translation>
    </message>
    <message>
        <source>This picture has no label file; it counts as one without any object.</source>
        <translation>图片没有标签文件，按没有目标处理。</translation>
    </message>
    <message>
        <source>Label it, or add an empty {label} to say that it is meant so.</source>
        <translation>请标注，或添加空的 {label} 表示确实没有目标。</translation>
    </message>
    <message>
        <source>The label file is empty: a picture without any object.</source>
        <translation>标签文件为空：图片中没有目标。</translation>
    </message>
    <message>
        <source>Nothing to do if that is right.</source>
        <translation>若属实则无需处理。</translation>
    </message>
    <message>
        <source>The label file cannot be read ({why}).</source>
        <translation>标签文件无法读取（{why}）。</translation>
    </message>
    <message>
        <source>Save it as UTF-8 text; until then training leaves the picture out.</source>
        <translation>请另存为 UTF-8 文本；在此之前训练会略过该图片。</translation>
    </message>
    <message>
        <source>No picture belongs to this label file.</source>
        <translation>此标签文件没有对应的图片。</translation>
    </message>
    <message>
        <source>Add the picture, or delete the file.</source>
        <translation>请补上图片，或删除该文件。</translation>
    </message>
    <message>
        <source>Two pictures share this label file: {first} and {second}.</source>
        <translation>两张图片共用此标签文件：{first} 和 {second}。</translation>
    </message>
    <message>
        <source>Rename one of the pictures and its label.</source>
        <translation>请重命名其中一张图片及其标签。</translation>
    </message>
    <message>
        <source>{count} values instead of 5 (class, x, y, width, height).</source>
        <translation>有 {count} 个值，应为 5 个（类别、x、y、宽、高）。</translation>
    </message>
    <message>
        <source>“{text}” is not a number.</source>
        <translation>“{text}”不是数字。</translation>
    </message>
    <message>
        <source>There is no class {value}; the classes are 0 to {last}.</source>
        <translation>没有类别 {value}，类别为 0 到 {last}。</translation>
    </message>
    <message>
        <source>{name} is {value}, but must lie from 0 to 1, as a share of the picture.</source>
        <translation>{name} 为 {value}，应在 0 到 1 之间（相对图片的比例）。</translation>
    </message>
    <message>
        <source>Boxes and polygons are mixed in one file.</source>
        <translation>一个文件中混用了框和多边形。</translation>
    </message>
    <message>
        <source>The box reaches {percent} % of the picture beyond its edge.</source>
        <translation>框超出图片边缘 {percent}%。</translation>
    </message>
    <message>
        <source>Cut the box off at the edge.</source>
        <translation>请在边缘处裁切该框。</translation>
    </message>
    <message>
        <source>The box has no {name}.</source>
        <translation>框的 {name} 为零。</translation>
    </message>
    <message>
        <source>Same box as in line {first}; it counts once.</source>
        <translation>与第 {first} 行的框相同，只计一次。</translation>
    </message>
    <message>
        <source>{count} label files hold polygons; their bounding boxes are used.</source>
        <translation>{count} 个标签文件含多边形，将使用其外接框。</translation>
    </message>
    <message>
        <source>Nothing to do if you want to detect boxes.</source>
        <translation>若要检测框，则无需处理。</translation>
    </message>
    <message>
        <source>Nothing to do here.</source>
        <translation>无需处理。</translation>
    </message>
    <message>
        <source>Correct or remove it; training goes on without it.</source>
        <translation>请更正或删除；训练会略过它。</translation>
    </message>
    <message>
        <source>Nothing was set apart to validate on: the Studio takes {train} pictures to train, {val} to validate and {test} to test, the same ones every time; pictures that are nearly the same stay together.</source>
        <translation>没有留出用于验证的图片：软件取 {train} 张训练、{val} 张验证、{test} 张测试，每次都相同；几乎相同的图片会放在一起。</translation>
    </message>
    <message>
        <source>To divide them yourself, make folders “train” and “val”.</source>
        <translation>若要自行划分，请建立“train”和“val”文件夹。</translation>
    </message>
    <message>
        <source>{count} pictures are nearly the same, like a film: they are cut in their order, and the splits resemble each other where they meet.</source>
        <translation>{count} 张图片几乎相同，像一段视频：按顺序切开，各划分在相接处彼此相似。</translation>
    </message>
    <message>
        <source>Validate on pictures that were taken elsewhere, or at another time.</source>
        <translation>请用在别处或别的时间拍摄的图片来验证。</translation>
    </message>
    <message>
        <source>Nearly the same picture as {other}: it is in “{split}” and in “{other_split}”.</source>
        <translation>与 {other} 几乎是同一张图片：它同时在“{split}”和“{other_split}”中。</translation>
    </message>
    <message>
        <source>Keep both in one split, or the figures will be too good.</source>
        <translation>请把两者放在同一划分中，否则结果会偏高。</translation>
    </message>
    <message>
        <source>The picture&apos;s name holds control characters or is not valid text.</source>
        <translation>图片文件名含有控制字符或不是有效文本。</translation>
    </message>
    <message>
        <source>Rename it; training leaves it out.</source>
        <translation>请重命名；训练会跳过它。</translation>
    </message>
    <message>
        <source>The name of class {index} holds control characters; they are left out.</source>
        <translation>类别 {index} 的名称含有控制字符；已去掉。</translation>
    </message>
    <message>
        <source>Correct the name.</source>
        <translation>请更正名称。</translation>
    </message>
    <message>
        <source>This picture is a {format} by another name; it is read as what it is.</source>
        <translation>这张图片实际是 {format}，后缀名不符；按实际格式读取。</translation>
    </message>
    <message>
        <source>This picture has 16 bits a channel; training sees the upper 8 of them alone.</source>
        <translation>这张图片每通道 16 位；训练只看到高 8 位。</translation>
    </message>
    <message>
        <source>If it looks too dark, stretch its values and save it with 8 bits.</source>
        <translation>如果显得太暗，请拉伸数值并另存为 8 位。</translation>
    </message>
    <message>
        <source>This file holds {count} pictures; only the first is used.</source>
        <translation>此文件含 {count} 张图片；只使用第一张。</translation>
    </message>
    <message>
        <source>Save the others as files of their own if you need them.</source>
        <translation>如需其余图片，请另存为单独的文件。</translation>
    </message>
    <message>
        <source>A second annotation of {picture}; it is not used.</source>
        <translation>{picture} 的第二个标注文件；未使用。</translation>
    </message>
    <message>
        <source>Remove one of the two.</source>
        <translation>请删除其中一个。</translation>
    </message>
    <message>
        <source>{count} pictures are in no list of “ImageSets/Main”; they are not used.</source>
        <translation>{count} 张图片不在“ImageSets/Main”的任何列表中；未使用。</translation>
    </message>
    <message>
        <source>Add them to a list if you want to use them.</source>
        <translation>如要使用，请把它们加入列表。</translation>
    </message>
    <message>
        <source>An entry of “images” names no file.</source>
        <translation>“images”中有一项没有文件名。</translation>
    </message>
    <message>
        <source>It names a picture that is not there: {picture}.</source>
        <translation>它指向不存在的图片：{picture}。</translation>
    </message>
    <message>
        <source>Put the picture beside the file, or remove the entry.</source>
        <translation>请把图片放在该文件旁边，或删除该项。</translation>
    </message>
    <message>
        <source>It names a picture outside the data set: {picture}. It is not opened.</source>
        <translation>它指向数据集之外的图片：{picture}。不会打开。</translation>
    </message>
    <message>
        <source>Put the picture into the data set&apos;s folder, and correct the entry.</source>
        <translation>请把图片放入数据集文件夹，并更正该项。</translation>
    </message>
    <message>
        <source>{count} boxes around crowds are left out, as is usual for training.</source>
        <translation>{count} 个群体框被略去，训练通常如此。</translation>
    </message>
    <message>
        <source>There is no data.yaml; classes and splits are taken from what lies here.</source>
        <translation>没有 data.yaml；类别和划分由文件夹内容得出。</translation>
    </message>
    <message>
        <source>A corrected copy has one.</source>
        <translation>修正后的副本会带有它。</translation>
    </message>
    <message>
        <source>This object has no class, or no four numbers for its edges.</source>
        <translation>此目标没有类别，或没有四个边界数值。</translation>
    </message>
    <message>
        <source>The box lies outside the picture.</source>
        <translation>框位于图片之外。</translation>
    </message>
    <message>
        <source>The box reaches {percent} % of the picture beyond its edge; it is cut off there.</source>
        <translation>框超出图片边缘 {percent} %；已在边缘截断。</translation>
    </message>
    <message>
        <source>Correct it if the object is elsewhere.</source>
        <translation>如果目标在别处，请更正。</translation>
    </message>
    <message>
        <source>The same box is there twice; it counts once.</source>
        <translation>同一个框出现两次；只算一次。</translation>
    </message>
    <message>
        <source>The annotation says {said} pixels, the picture has {size}; the picture counts.</source>
        <translation>标注写的是 {said} 像素，图片实际为 {size}；以图片为准。</translation>
    </message>
    <message>
        <source>Look whether the boxes are in their places.</source>
        <translation>请检查框的位置是否正确。</translation>
    </message>
    <message>
        <source>The annotation says {said} pixels, the picture has {size}; the boxes are scaled to it.</source>
        <translation>标注写的是 {said} 像素，图片实际为 {size}；框已按比例缩放。</translation>
    </message>
    <message>
        <source>This picture is turned by its EXIF data; its boxes are taken as drawn on it upright.</source>
        <translation>这张图片按 EXIF 信息旋转；框按转正后的图片理解。</translation>
    </message>
    <message>
        <source>The training&apos;s process ended without a word: killed, out of memory, or the machine was switched off.</source>
        <translation>训练进程突然结束：被终止、内存不足，或电脑关机。</translation>
    </message>
    <message>
        <source>Resume it: it goes on after the last complete epoch.</source>
        <translation>可以继续训练：从最后一个完整轮次之后接着进行。</translation>
    </message>
    <message>
        <source>The command “{name}” is unknown.</source>
        <translation>未知的命令“{name}”。</translation>
    </message>
    <message>
        <source>{path} is missing.</source>
        <translation>缺少 {path}。</translation>
    </message>
    <message>
        <source>This is no run folder; start the training anew.</source>
        <translation>这不是训练文件夹，请重新开始训练。</translation>
    </message>
    <message>
        <source>Start the training anew.</source>
        <translation>请重新开始训练。</translation>
    </message>
    <message>
        <source>{path} is no record of a training.</source>
        <translation>{path} 不是训练记录。</translation>
    </message>
    <message>
        <source>{path} cannot be made: {reason}.</source>
        <translation>无法创建 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Choose another workspace.</source>
        <translation>请选择其他工作区。</translation>
    </message>
    <message>
        <source>There are too many runs named “{name}”.</source>
        <translation>名为“{name}”的训练太多了。</translation>
    </message>
    <message>
        <source>The run “{name}” is being trained.</source>
        <translation>训练“{name}”正在训练。</translation>
    </message>
    <message>
        <source>Stop it first.</source>
        <translation>请先停止它。</translation>
    </message>
    <message>
        <source>The run “{name}” has {done} epochs already.</source>
        <translation>训练“{name}”已经完成 {done} 轮。</translation>
    </message>
    <message>
        <source>Give more epochs than that.</source>
        <translation>请给出更多的轮数。</translation>
    </message>
    <message>
        <source>Give another name.</source>
        <translation>请换一个名称。</translation>
    </message>
    <message>
        <source>There is no run named “{name}” in {folder}.</source>
        <translation>{folder} 中没有名为“{name}”的训练。</translation>
    </message>
    <message>
        <source>`runs list` shows them.</source>
        <translation>可用 runs list 列出。</translation>
    </message>
    <message>
        <source>“{name}” cannot be a name.</source>
        <translation>“{name}”不能用作名称。</translation>
    </message>
    <message>
        <source>Take 1 to {count} characters.</source>
        <translation>请使用 1 到 {count} 个字符。</translation>
    </message>
    <message>
        <source>Leave out / \ : * ? &quot; &lt; &gt; | and dots at the ends.</source>
        <translation>不能含有 / \ : * ? &quot; &lt; &gt; |，首尾不能是句点。</translation>
    </message>
    <message>
        <source>“{name}” cannot be a name: Windows reserves it.</source>
        <translation>“{name}”不能用作名称：它是 Windows 的保留名。</translation>
    </message>
    <message>
        <source>Take another one.</source>
        <translation>请换一个。</translation>
    </message>
    <message>
        <source>The picture size {size} is not a multiple of 32.</source>
        <translation>图片尺寸 {size} 不是 32 的倍数。</translation>
    </message>
    <message>
        <source>Take {nearest}.</source>
        <translation>请用 {nearest}。</translation>
    </message>
    <message>
        <source>The training&apos;s record lacks “{name}”.</source>
        <translation>训练记录缺少“{name}”。</translation>
    </message>
    <message>
        <source>The training&apos;s “overrides” is no mapping.</source>
        <translation>训练记录中的“overrides”不是映射。</translation>
    </message>
    <message>
        <source>{name} is {value}.</source>
        <translation>{name} 为 {value}。</translation>
    </message>
    <message>
        <source>Give a number above 0, 1 at most.</source>
        <translation>请给出大于 0、不超过 1 的数。</translation>
    </message>
    <message>
        <source>The {name} “{value}” is unknown.</source>
        <translation>未知的 {name}：“{value}”。</translation>
    </message>
    <message>
        <source>The training setting “{name}” is unknown.</source>
        <translation>未知的训练设置“{name}”。</translation>
    </message>
    <message>
        <source>The training setting {name} cannot be {value}.</source>
        <translation>训练设置 {name} 不能是 {value}。</translation>
    </message>
    <message>
        <source>See the user guide for its values.</source>
        <translation>可用的值见用户指南。</translation>
    </message>
    <message>
        <source>Give a number from 0 to 1.</source>
        <translation>请给出 0 到 1 之间的数。</translation>
    </message>
    <message>
        <source>Give a number that is not below 0.</source>
        <translation>请给出不小于 0 的数。</translation>
    </message>
    <message>
        <source>Converting</source>
        <translation>正在转换</translation>
    </message>
    <message>
        <source>{target} holds the weights to convert.</source>
        <translation>{target} 就是待转换的权重。</translation>
    </message>
    <message>
        <source>Choose another file for the result.</source>
        <translation>请为结果选择其他文件。</translation>
    </message>
    <message>
        <source>{data} names no training pictures.</source>
        <translation>{data} 没有列出训练图片。</translation>
    </message>
    <message>
        <source>{name} has no YOLOv5u head: a conversion could not detect anything.</source>
        <translation>{name} 没有 YOLOv5u 检测头，转换后无法检测任何目标。</translation>
    </message>
    <message>
        <source>Train with it as the starting weights first, then convert the result.</source>
        <translation>请先以它为初始权重训练，再转换所得结果。</translation>
    </message>
    <message>
        <source>The design has {classes} classes, {name} has {count}.</source>
        <translation>方案有 {classes} 个类别，{name} 有 {count} 个。</translation>
    </message>
    <message>
        <source>Leave the number open in the design.</source>
        <translation>请在方案中不指定类别数。</translation>
    </message>
    <message>
        <source>The design swaps nothing: there is nothing to convert.</source>
        <translation>方案没有任何替换，无需转换。</translation>
    </message>
    <message>
        <source>Choose a lightweight design.</source>
        <translation>请选择轻量方案。</translation>
    </message>
    <message>
        <source>The conversion was cancelled.</source>
        <translation>转换已取消。</translation>
    </message>
    <message>
        <source>Nothing was written.</source>
        <translation>没有写入任何文件。</translation>
    </message>
    <message>
        <source>{file}: there is nothing to train on: no picture of “train” has a usable box.</source>
        <translation>{file}：没有可训练的内容：“train”中没有一张图片含可用的框。</translation>
    </message>
    <message>
        <source>Check the data set on the Data page, or with the command “check”.</source>
        <translation>请在“数据”页或用 check 命令检查数据集。</translation>
    </message>
    <message>
        <source>The run&apos;s folder {folder} cannot be written: {why}.</source>
        <translation>训练文件夹 {folder} 无法写入：{why}。</translation>
    </message>
    <message>
        <source>Check the disk&apos;s free space and the folder&apos;s permissions.</source>
        <translation>请检查磁盘剩余空间和文件夹权限。</translation>
    </message>
    <message>
        <source>The check was cancelled.</source>
        <translation>检查已取消。</translation>
    </message>
    <message>
        <source>Start it again when you like.</source>
        <translation>可随时重新开始。</translation>
    </message>
    <message>
        <source>{file} is not the description of a data set.</source>
        <translation>{file} 不是数据集描述文件。</translation>
    </message>
    <message>
        <source>not valid YAML: {why}.</source>
        <translation>不是有效的 YAML：{why}。</translation>
    </message>
    <message>
        <source>Choose a data.yaml with “train:”, “val:” and “names:”.</source>
        <translation>请选择含“train:”、“val:”和“names:”的 data.yaml。</translation>
    </message>
    <message>
        <source>{path} cannot be opened: {why}.</source>
        <translation>{path} 无法打开：{why}。</translation>
    </message>
    <message>
        <source>Check its permissions.</source>
        <translation>请检查其权限。</translation>
    </message>
    <message>
        <source>There is no data set {path}.</source>
        <translation>没有数据集 {path}。</translation>
    </message>
    <message>
        <source>The folder {path} holds several descriptions: {files}.</source>
        <translation>文件夹 {path} 含有多个描述文件：{files}。</translation>
    </message>
    <message>
        <source>Choose one of these files.</source>
        <translation>请选择其中一个文件。</translation>
    </message>
    <message>
        <source>Choose a data.yaml, a COCO JSON file, or the folder of a YOLO, Pascal VOC or COCO data set.</source>
        <translation>请选择 data.yaml、COCO JSON 文件，或 YOLO、Pascal VOC、COCO 数据集的文件夹。</translation>
    </message>
    <message>
        <source>The folder {path} holds no data set: no data.yaml, and no labelled pictures.</source>
        <translation>文件夹 {path} 中没有数据集：没有 data.yaml，也没有带标注的图片。</translation>
    </message>
    <message>
        <source>Choose the folder of a YOLO, Pascal VOC or COCO data set.</source>
        <translation>请选择 YOLO、Pascal VOC 或 COCO 数据集的文件夹。</translation>
    </message>
    <message>
        <source>“path” is {value}, not a folder.</source>
        <translation>“path”是 {value}，不是文件夹。</translation>
    </message>
    <message>
        <source>Write the folder&apos;s path.</source>
        <translation>请写明文件夹路径。</translation>
    </message>
    <message>
        <source>it names no pictures: “train:” and “val:” are missing.</source>
        <translation>没有指明图片：缺少“train:”和“val:”。</translation>
    </message>
    <message>
        <source>Choose the data.yaml of a YOLO data set.</source>
        <translation>请选择 YOLO 数据集的 data.yaml。</translation>
    </message>
    <message>
        <source>“{name}” is {value}, neither a path nor a list of paths.</source>
        <translation>“{name}”是 {value}，既不是路径也不是路径列表。</translation>
    </message>
    <message>
        <source>it has no “names:”.</source>
        <translation>缺少“names:”。</translation>
    </message>
    <message>
        <source>Add a list of the classes&apos; names.</source>
        <translation>请添加类别名称列表。</translation>
    </message>
    <message>
        <source>“nc” is {value}, not a number of classes.</source>
        <translation>“nc”是 {value}，不是类别数。</translation>
    </message>
    <message>
        <source>the numbers of the {count} classes are not 0 to {last}.</source>
        <translation>{count} 个类别的编号不是 0 到 {last}。</translation>
    </message>
    <message>
        <source>Number them from 0 without gaps.</source>
        <translation>请从 0 开始连续编号。</translation>
    </message>
    <message>
        <source>“names” is {value}, not a list of names.</source>
        <translation>“names”是 {value}，不是名称列表。</translation>
    </message>
    <message>
        <source>Write one name for each class.</source>
        <translation>请为每个类别写一个名称。</translation>
    </message>
    <message>
        <source>class {number} has no name.</source>
        <translation>类别 {number} 没有名称。</translation>
    </message>
    <message>
        <source>Correct the file.</source>
        <translation>请改正该文件。</translation>
    </message>
    <message>
        <source>{file} is larger than a data.yaml can be (1 MB).</source>
        <translation>{file} 超过了 data.yaml 的上限 (1 MB)。</translation>
    </message>
    <message>
        <source>Choose the annotations of a COCO data set.</source>
        <translation>请选择 COCO 数据集的标注文件。</translation>
    </message>
    <message>
        <source>{file} is larger than 1.5 GB.</source>
        <translation>{file} 大于 1.5 GB。</translation>
    </message>
    <message>
        <source>{file} cannot be read: {why}.</source>
        <translation>{file} 无法读取：{why}。</translation>
    </message>
    <message>
        <source>{file} is not valid JSON: {why}.</source>
        <translation>{file} 不是有效的 JSON：{why}。</translation>
    </message>
    <message>
        <source>The annotations in {folder} name {count} classes.</source>
        <translation>{folder} 中的标注有 {count} 个类别。</translation>
    </message>
    <message>
        <source>Check the path.</source>
        <translation>请检查路径。</translation>
    </message>
    <message>
        <source>{file} is not a text file.</source>
        <translation>{file} 不是文本文件。</translation>
    </message>
    <message>
        <source>{file}: {problem}</source>
        <translation>{file}：{problem}</translation>
    </message>
    <message>
        <source>{file}, line {line}: {problem}</source>
        <translation>{file} 第 {line} 行：{problem}</translation>
    </message>
    <message>
        <source>“{name}” names several cameras: {cameras}.</source>
        <translation>“{name}”对应多个摄像头：{cameras}。</translation>
    </message>
    <message>
        <source>Choose one by its number, as in camera:0.</source>
        <translation>请按编号选择，如 camera:0。</translation>
    </message>
    <message>
        <source>There is no camera “{name}” here: this machine has no camera.</source>
        <translation>没有摄像头“{name}”：本机没有摄像头。</translation>
    </message>
    <message>
        <source>Plug one in, or use a video file, a folder of pictures, a stream&apos;s address or “sample”.</source>
        <translation>请接入摄像头，或使用视频文件、图片文件夹、视频流地址或“sample”。</translation>
    </message>
    <message>
        <source>There is no camera “{name}” here.</source>
        <translation>没有摄像头“{name}”。</translation>
    </message>
    <message>
        <source>Plugged in: {cameras}.</source>
        <translation>已连接：{cameras}。</translation>
    </message>
    <message>
        <source>The camera {camera} may not be opened: no permission for {path}.</source>
        <translation>摄像头 {camera} 无法打开：没有 {path} 的权限。</translation>
    </message>
    <message>
        <source>{name} promises {promised} pictures and breaks off after {held}.</source>
        <translation>{name} 声称有 {promised} 帧，但在 {held} 帧后中断。</translation>
    </message>
    <message>
        <source>Left out {name}: {problem}</source>
        <translation>略过 {name}：{problem}</translation>
    </message>
    <message>
        <source>{path} holds no video that can be read.</source>
        <translation>{path} 中没有可读取的视频。</translation>
    </message>
    <message>
        <source>Choose another file; MP4, AVI, MKV, MOV and WEBM files usually work.</source>
        <translation>请选择其他文件；MP4、AVI、MKV、MOV 和 WEBM 通常可用。</translation>
    </message>
    <message>
        <source>The folder {path} holds no pictures.</source>
        <translation>文件夹 {path} 中没有图片。</translation>
    </message>
    <message>
        <source>Choose a folder with pictures in it: {endings}.</source>
        <translation>请选择含有图片的文件夹：{endings}。</translation>
    </message>
    <message>
        <source>{name} shows nothing any more.</source>
        <translation>{name} 不再有画面。</translation>
    </message>
    <message>
        <source>{name} repeats the same picture.</source>
        <translation>{name} 一直重复同一帧画面。</translation>
    </message>
    <message>
        <source>It is opened again as soon as it is back.</source>
        <translation>恢复后会自动重新打开。</translation>
    </message>
    <message>
        <source>{name} shows a still picture.</source>
        <translation>{name} 显示的是静止画面。</translation>
    </message>
    <message>
        <source>The pictures of {name} changed from {before} to {after} pixels.</source>
        <translation>{name} 的画面尺寸由 {before} 变为 {after} 像素。</translation>
    </message>
    <message>
        <source>Screen {number} cannot be shown.</source>
        <translation>无法显示屏幕 {number}。</translation>
    </message>
    <message>
        <source>Choose another screen, or allow screen recording in the system&apos;s privacy settings; under Wayland, log in to an X11 session.</source>
        <translation>请选择其他屏幕，或在系统隐私设置中允许屏幕录制；在 Wayland 下请登录 X11 会话。</translation>
    </message>
    <message>
        <source>Close other programs that use it; if there are none, unplug it and plug it in again.</source>
        <translation>请关闭正在使用它的其他程序；如果没有，请拔下后重新插入。</translation>
    </message>
    <message>
        <source>Close other programs that use it, and under Settings &gt; Privacy &amp; security &gt; Camera let desktop apps access the camera.</source>
        <translation>请关闭正在使用它的其他程序，并在“设置 &gt; 隐私和安全性 &gt; 摄像头”中允许桌面应用访问摄像头。</translation>
    </message>
    <message>
        <source>Close other programs that use it, and under System Settings &gt; Privacy &amp; Security &gt; Camera allow the Studio, or the terminal it was started from; then start it again.</source>
        <translation>请关闭正在使用它的其他程序，并在“系统设置 &gt; 隐私与安全性 &gt; 摄像头”中允许 Studio 或启动它的终端，然后重新启动。</translation>
    </message>
    <message>
        <source>Add your user to the group “{group}” (sudo usermod -aG {group} $USER), then log in again.</source>
        <translation>请将您的用户加入“{group}”组（sudo usermod -aG {group} $USER），然后重新登录。</translation>
    </message>
    <message>
        <source>The camera {camera} is used by another program: {program}.</source>
        <translation>摄像头 {camera} 正被另一个程序使用：{program}。</translation>
    </message>
    <message>
        <source>Close that program, then choose the camera again.</source>
        <translation>请关闭该程序，然后重新选择摄像头。</translation>
    </message>
    <message>
        <source>The camera {camera} showed no picture within {seconds} s.</source>
        <translation>摄像头 {camera} 在 {seconds} 秒内没有画面。</translation>
    </message>
    <message>
        <source>Unplug it and plug it in again, or choose another source.</source>
        <translation>请重新插拔，或选择其他输入源。</translation>
    </message>
    <message>
        <source>The camera {camera} cannot be opened.</source>
        <translation>摄像头 {camera} 无法打开。</translation>
    </message>
    <message>
        <source>The stream {address} showed no picture within {seconds} s.</source>
        <translation>视频流 {address} 在 {seconds} 秒内没有画面。</translation>
    </message>
    <message>
        <source>The stream {address} cannot be opened.</source>
        <translation>视频流 {address} 无法打开。</translation>
    </message>
    <message>
        <source>Check that another player on this machine opens the address, and that the network reaches it.</source>
        <translation>请确认本机其他播放器能打开该地址，且网络可达。</translation>
    </message>
    <message>
        <source>{name} stopped unexpectedly.</source>
        <translation>{name} 意外停止。</translation>
    </message>
    <message>
        <source>Open it again.</source>
        <translation>请重新打开。</translation>
    </message>
    <message>
        <source>No source is given.</source>
        <translation>没有指定输入源。</translation>
    </message>
    <message>
        <source>Name a camera (0), a video, a folder, an address, or “sample”.</source>
        <translation>请指定摄像头 (0)、视频、文件夹、地址或“sample”。</translation>
    </message>
    <message>
        <source>A camera picture of {size} pixels is not possible.</source>
        <translation>摄像头画面尺寸 {size} 像素不可用。</translation>
    </message>
    <message>
        <source>Give width and height, as in 1280x720, each from 16 to {most}.</source>
        <translation>请给出宽和高，例如 1280x720，各为 16 到 {most}。</translation>
    </message>
    <message>
        <source>A camera cannot give {fps} pictures a second.</source>
        <translation>摄像头无法每秒给出 {fps} 帧。</translation>
    </message>
    <message>
        <source>Give a number above 0, such as 30.</source>
        <translation>请给出大于 0 的数，例如 30。</translation>
    </message>
    <message>
        <source>“{text}” is no picture size.</source>
        <translation>“{text}”不是图片尺寸。</translation>
    </message>
    <message>
        <source>Write width and height, as in 1280x720.</source>
        <translation>请写出宽和高，例如 1280x720。</translation>
    </message>
    <message>
        <source>“{address}” is no address of a stream.</source>
        <translation>“{address}”不是视频流地址。</translation>
    </message>
    <message>
        <source>It begins with one of {schemes}, as in rtsp://camera.local/live.</source>
        <translation>它应以下列之一开头：{schemes}，例如 rtsp://camera.local/live。</translation>
    </message>
    <message>
        <source>Addresses that begin with {scheme}:// are not supported: {address}.</source>
        <translation>不支持以 {scheme}:// 开头的地址：{address}。</translation>
    </message>
    <message>
        <source>Supported are {schemes}; files are named by their path alone.</source>
        <translation>支持 {schemes}；文件只需写路径。</translation>
    </message>
    <message>
        <source>“{address}” names no computer.</source>
        <translation>“{address}”没有指明主机。</translation>
    </message>
    <message>
        <source>Write the camera&apos;s name or number after ://, as in rtsp://192.168.1.20/live.</source>
        <translation>请在 :// 之后写出摄像头的名称或 IP 地址，例如 rtsp://192.168.1.20/live。</translation>
    </message>
    <message>
        <source>{path} is neither a file nor a folder.</source>
        <translation>{path} 既不是文件也不是文件夹。</translation>
    </message>
    <message>
        <source>Choose a video, a picture or a folder of pictures.</source>
        <translation>请选择视频、图片或图片文件夹。</translation>
    </message>
    <message>
        <source>There is no source {path}.</source>
        <translation>没有输入源 {path}。</translation>
    </message>
    <message>
        <source>Name a video, a folder of pictures, a camera (0), a stream&apos;s address (rtsp://…), or “sample”.</source>
        <translation>请指定视频、图片文件夹、摄像头 (0)、视频流地址 (rtsp://…) 或“sample”。</translation>
    </message>
    <message>
        <source>Few epochs from trained weights: AdamW from a learning rate of {lr}, no warm-up, pictures as they are.</source>
        <translation>从已训练权重开始且轮数较少：使用 AdamW，学习率从 {lr} 开始，不预热，图片不做增强。</translation>
    </message>
    <message>
        <source>To recover accuracy: {what}.</source>
        <translation>为恢复精度：{what}。</translation>
    </message>
    <message>
        <source>A training in stages consists of two runs.</source>
        <translation>分阶段的训练由两次训练组成。</translation>
    </message>
    <message>
        <source>Start it anew with --recover, without --resume.</source>
        <translation>请用 --recover 重新开始，不要加 --resume。</translation>
    </message>
    <message>
        <source>Distillation needs a trained standard model to learn from.</source>
        <translation>蒸馏需要一个训练好的标准模型作为教师模型。</translation>
    </message>
    <message>
        <source>Name it with --teacher, or start from its weights.</source>
        <translation>请用 --teacher 指定它，或从它的权重开始训练。</translation>
    </message>
    <message>
        <source>There is no teacher {file}.</source>
        <translation>找不到教师模型 {file}。</translation>
    </message>
    <message>
        <source>Put it back, or train without distillation.</source>
        <translation>请将其放回原处，或不使用蒸馏。</translation>
    </message>
    <message>
        <source>Training for INT8 needs the package nvidia-modelopt.</source>
        <translation>为 INT8 训练需要 nvidia-modelopt 软件包。</translation>
    </message>
    <message>
        <source>Install it: pip install nvidia-modelopt</source>
        <translation>请安装：pip install nvidia-modelopt</translation>
    </message>
    <message>
        <source>Carrying the weights over from {weights}.</source>
        <translation>正在从 {weights} 迁移权重。</translation>
    </message>
    <message>
        <source>Starting from fresh weights: nothing was carried over.</source>
        <translation>从随机初始化开始：没有沿用任何权重。</translation>
    </message>
    <message>
        <source>{place}: {message}</source>
        <translation>{place}：{message}</translation>
    </message>
    <message>
        <source>There are more findings: see the Data page.</source>
        <translation>还有其他检查结果，见“数据”页。</translation>
    </message>
    <message>
        <source>There are no weights {weights}.</source>
        <translation>没有权重 {weights}。</translation>
    </message>
    <message>
        <source>Choose others, or start fresh.</source>
        <translation>请另选，或从随机初始化开始。</translation>
    </message>
    <message>
        <source>The design has {classes} classes, the data has {count}.</source>
        <translation>方案有 {classes} 个类别，数据有 {count} 个。</translation>
    </message>
    <message>
        <source>Leave the number open in the design, or choose other data.</source>
        <translation>请在方案中不指定类别数，或另选数据。</translation>
    </message>
    <message>
        <source>The memory is full: the batch goes from {before} to {after} pictures. A fair pair needs equal batches.</source>
        <translation>内存不足：批大小从 {before} 减到 {after}。公平对比需要相同的批大小。</translation>
    </message>
    <message>
        <source>The loss became infinite or undefined in epoch {epoch}: back to the last checkpoint, attempt {attempt}.</source>
        <translation>第 {epoch} 轮损失变为无穷或无效：回到上一检查点，第 {attempt} 次尝试。</translation>
    </message>
    <message>
        <source>No improvement for {patience} epochs.</source>
        <translation>连续 {patience} 轮没有提升。</translation>
    </message>
    <message>
        <source>Resumed after epoch {epoch}.</source>
        <translation>从第 {epoch} 轮之后继续。</translation>
    </message>
    <message>
        <source>The checkpoint {name} is damaged: going on from the one before, after epoch {epoch}.</source>
        <translation>检查点 {name} 已损坏：从前一个检查点继续，即第 {epoch} 轮之后。</translation>
    </message>
    <message>
        <source>Epochs: {before} before, {after} now.</source>
        <translation>轮数：之前 {before}，现在 {after}。</translation>
    </message>
    <message>
        <source>Pictures per step: {before} before, {after} now.</source>
        <translation>批大小：之前 {before}，现在 {after}。</translation>
    </message>
    <message>
        <source>Device: {before} before, {after} now.</source>
        <translation>设备：之前 {before}，现在 {after}。</translation>
    </message>
    <message>
        <source>Reading the pictures.</source>
        <translation>正在读取图片。</translation>
    </message>
    <message>
        <source>Predicting</source>
        <translation>正在预测</translation>
    </message>
    <message>
        <source>Computing intervals</source>
        <translation>正在计算区间</translation>
    </message>
    <message>
        <source>{count} runs cannot be judged at once.</source>
        <translation>无法同时评判 {count} 个训练记录。</translation>
    </message>
    <message>
        <source>Choose 1 to {most} runs.</source>
        <translation>请选择 1 到 {most} 个训练记录。</translation>
    </message>
    <message>
        <source>The judging was cancelled.</source>
        <translation>评判已取消。</translation>
    </message>
    <message>
        <source>What was predicted so far is kept.</source>
        <translation>已完成的预测会保留。</translation>
    </message>
    <message>
        <source>The run “{name}” has no weights yet.</source>
        <translation>训练记录“{name}”还没有权重。</translation>
    </message>
    <message>
        <source>Wait for its first epoch.</source>
        <translation>请等待第一轮结束。</translation>
    </message>
    <message>
        <source>Pictures per step, as memory allows: {batch}.</source>
        <translation>按内存确定的批大小：{batch}。</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>已停止。</translation>
    </message>
    <message>
        <source>Interrupted.</source>
        <translation>已中断。</translation>
    </message>
    <message>
        <source>Stopped after epoch {epoch}.</source>
        <translation>第 {epoch} 轮后停止。</translation>
    </message>
    <message>
        <source>The run “{name}” is being trained by process {pid}.</source>
        <translation>训练“{name}”正由进程 {pid} 进行。</translation>
    </message>
    <message>
        <source>Wait for it, or stop it first.</source>
        <translation>请等待完成，或先停止它。</translation>
    </message>
    <message>
        <source>The run “{name}” exists.</source>
        <translation>训练“{name}”已存在。</translation>
    </message>
    <message>
        <source>Resume it, or give another name.</source>
        <translation>请继续该训练，或换一个名称。</translation>
    </message>
    <message>
        <source>There were no pictures to look at: swapped modules are only factorised, which costs much accuracy.</source>
        <translation>没有可用的图片：替换的模块只做矩阵分解，精度损失较大。</translation>
    </message>
    <message>
        <source>The head is fresh: an original YOLOv5 predicts with anchors, this one without. Train before using it.</source>
        <translation>检测头为随机初始化：原版 YOLOv5 使用锚框，此模型不用。请先训练再使用。</translation>
    </message>
    <message>
        <source>Some modules are fresh, for the weights are of another number of classes. Train before using it.</source>
        <translation>因权重的类别数不同，部分模块为随机初始化。请先训练再使用。</translation>
    </message>
    <message>
        <source>Some new blocks are fresh, for nothing of what they replace fits into them. Train before using it.</source>
        <translation>部分新块为随机初始化，因为所替换的权重无法装入。请先训练再使用。</translation>
    </message>
    <message>
        <source>The activation changed: the weights were trained with another one. Train before using it.</source>
        <translation>激活函数已改变：权重是用另一种激活函数训练的。使用前请先训练。</translation>
    </message>
    <message>
        <source>Reading {count} training pictures.</source>
        <translation>正在读取 {count} 张训练图片。</translation>
    </message>
    <message>
        <source>Refitting to {count} training pictures of {imgsz} px.</source>
        <translation>正在用 {count} 张 {imgsz} px 的训练图片拟合。</translation>
    </message>
    <message>
        <source>There is no warm start “{mode}”.</source>
        <translation>没有热启动方式“{mode}”。</translation>
    </message>
    <message>
        <source>{name} holds weights of {base}, the design is of {wanted}.</source>
        <translation>{name} 是 {base} 的权重，而方案基于 {wanted}。</translation>
    </message>
    <message>
        <source>Choose weights of {wanted}, or change the design&apos;s base model.</source>
        <translation>请选择 {wanted} 的权重，或更改方案的基础模型。</translation>
    </message>
    <message>
        <source>This design has no file yet.</source>
        <translation>此方案还没有文件。</translation>
    </message>
    <message>
        <source>Save it under a name.</source>
        <translation>请另存为一个名称。</translation>
    </message>
    <message>
        <source>The engine could not be started: {reason}.</source>
        <translation>引擎无法启动：{reason}。</translation>
    </message>
    <message>
        <source>The engine was ended by the system, most likely for want of memory.</source>
        <translation>引擎被系统结束，很可能是内存不足。</translation>
    </message>
    <message>
        <source>It said nothing for {minutes} minutes and was ended.</source>
        <translation>它 {minutes} 分钟没有响应，已被终止。</translation>
    </message>
    <message>
        <source>Try it alone, with a smaller picture size.</source>
        <translation>请单独测量，并使用较小的图片尺寸。</translation>
    </message>
    <message>
        <source>Its process was ended by the system, most likely for want of memory.</source>
        <translation>它的进程被系统终止，很可能是内存不足。</translation>
    </message>
    <message>
        <source>Close other programs.</source>
        <translation>请关闭其他程序。</translation>
    </message>
    <message>
        <source>Its process died (status {status}): {line}.</source>
        <translation>它的进程意外结束（状态 {status}）：{line}。</translation>
    </message>
    <message>
        <source>The others go on; measure it alone to see more.</source>
        <translation>其余继续进行；单独测量它可了解更多。</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly (status {status}): {line}.</source>
        <translation>引擎意外结束（状态 {status}）：{line}。</translation>
    </message>
    <message>
        <source>Try again; see the log.</source>
        <translation>请重试；详见日志。</translation>
    </message>
    <message>
        <source>The training could not be started: {reason}.</source>
        <translation>训练无法启动：{reason}。</translation>
    </message>
    <message>
        <source>Try again; if it fails again, restart the Studio.</source>
        <translation>请重试；若仍然失败，请重新启动 Studio。</translation>
    </message>
    <message>
        <source>The training&apos;s process ended with status {status} before it began.</source>
        <translation>训练进程尚未开始训练就结束了，状态为 {status}。</translation>
    </message>
    <message>
        <source>See the log in the run folder.</source>
        <translation>详见训练文件夹中的日志。</translation>
    </message>
    <message>
        <source>Reading the data and the models</source>
        <translation>正在读取数据和模型</translation>
    </message>
    <message>
        <source>Measuring accuracy</source>
        <translation>正在测量准确度</translation>
    </message>
    <message>
        <source>Measuring milliseconds</source>
        <translation>正在测量毫秒数</translation>
    </message>
    <message>
        <source>Waiting until the machine is quiet</source>
        <translation>正在等待机器空闲</translation>
    </message>
    <message>
        <source>{frames} frames cannot be timed.</source>
        <translation>无法对 {frames} 帧计时。</translation>
    </message>
    <message>
        <source>Choose {least} to {most}.</source>
        <translation>请选择 {least} 到 {most}。</translation>
    </message>
    <message>
        <source>Choose another folder, or free some space.</source>
        <translation>请选择其他文件夹，或释放空间。</translation>
    </message>
    <message>
        <source>The bench was cancelled.</source>
        <translation>基准测试已取消。</translation>
    </message>
    <message>
        <source>{frames} frames cannot be compared.</source>
        <translation>无法对比 {frames} 帧。</translation>
    </message>
    <message>
        <source>Give a number of frames from 1 on.</source>
        <translation>帧数至少为 1。</translation>
    </message>
    <message>
        <source>{name} holds no picture.</source>
        <translation>{name} 中没有图片。</translation>
    </message>
    <message>
        <source>Choose a source with at least one picture.</source>
        <translation>请选择至少有一帧画面的输入源。</translation>
    </message>
    <message>
        <source>it is larger than 20 MB</source>
        <translation>超过 20 MB</translation>
    </message>
    <message>
        <source>it is not UTF-8 text</source>
        <translation>不是 UTF-8 文本</translation>
    </message>
    <message>
        <source>There is no file {weights}.</source>
        <translation>没有文件 {weights}。</translation>
    </message>
    <message>
        <source>Choose a .pt checkpoint.</source>
        <translation>请选择 .pt 检查点。</translation>
    </message>
    <message>
        <source>{name} cannot run on {runtime}: only {runtimes} read it.</source>
        <translation>{name} 无法在 {runtime} 上运行：只有 {runtimes} 能读取它。</translation>
    </message>
    <message>
        <source>Choose one of these runtimes, or the .pt that it was made from.</source>
        <translation>请选择这些运行时之一，或选择它的来源 .pt 文件。</translation>
    </message>
    <message>
        <source>{name} computes in {own}; that cannot be changed to {precision}.</source>
        <translation>{name} 以 {own} 计算，无法改为 {precision}。</translation>
    </message>
    <message>
        <source>Choose any precision, or the .pt that it was made from.</source>
        <translation>请选择“任意精度”，或生成它的 .pt 文件。</translation>
    </message>
    <message>
        <source>{name} is no detector that can be run.</source>
        <translation>{name} 不是可以运行的检测器。</translation>
    </message>
    <message>
        <source>Choose any YOLO .pt, an .onnx file, or an OpenVINO folder.</source>
        <translation>请选择任意 YOLO 的 .pt、.onnx 文件或 OpenVINO 文件夹。</translation>
    </message>
    <message>
        <source>There is no runtime “{runtime}”.</source>
        <translation>没有推理后端“{runtime}”。</translation>
    </message>
    <message>
        <source>Choose one of: auto, {choices}.</source>
        <translation>可选：auto, {choices}。</translation>
    </message>
    <message>
        <source>There is no precision “{precision}”.</source>
        <translation>没有精度“{precision}”。</translation>
    </message>
    <message>
        <source>A picture size of {imgsz} pixels is not possible.</source>
        <translation>图片尺寸不能是 {imgsz} 像素。</translation>
    </message>
    <message>
        <source>Choose 32 to 4096.</source>
        <translation>请选择 32 到 4096。</translation>
    </message>
    <message>
        <source>There is no Apple GPU (MPS) here.</source>
        <translation>本机没有 Apple GPU (MPS)。</translation>
    </message>
    <message>
        <source>Take the device cpu.</source>
        <translation>请使用设备 cpu。</translation>
    </message>
    <message>
        <source>The device “{asked}” is unknown.</source>
        <translation>未知的设备“{asked}”。</translation>
    </message>
    <message>
        <source>Take cpu, mps, 0, or several GPUs such as 0,1.</source>
        <translation>可用 cpu、mps、0，或多个 GPU，如 0,1。</translation>
    </message>
    <message>
        <source>The GPU {names} cannot be used: there are {count}.</source>
        <translation>GPU {names} 无法使用：共有 {count} 个。</translation>
    </message>
    <message>
        <source>The GPU {names} cannot be used: there is none that torch can use.</source>
        <translation>GPU {names} 无法使用：没有 torch 可用的 GPU。</translation>
    </message>
    <message>
        <source>Take the device cpu; `python main.py doctor` says what a GPU needs.</source>
        <translation>请使用设备 cpu；运行 python main.py doctor 可查看 GPU 所需条件。</translation>
    </message>
    <message>
        <source>system</source>
        <translation>系统</translation>
    </message>
    <message>
        <source>packages</source>
        <translation>软件包</translation>
    </message>
    <message>
        <source>OpenVINO devices</source>
        <translation>OpenVINO 设备</translation>
    </message>
    <message>
        <source>cameras</source>
        <translation>摄像头</translation>
    </message>
    <message>
        <source>display</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>{system}, Python {python}, {count} cores</source>
        <translation>{system}，Python {python}，{count} 核</translation>
    </message>
    <message>
        <source>not installed</source>
        <translation>未安装</translation>
    </message>
    <message>
        <source>{version} corrupts reference counts on Python 3.11</source>
        <translation>{version} 在 Python 3.11 上会破坏引用计数</translation>
    </message>
    <message>
        <source>this torch is built without CUDA; training runs on the CPU</source>
        <translation>当前 torch 不含 CUDA，训练在 CPU 上进行</translation>
    </message>
    <message>
        <source>With an NVIDIA GPU install a CUDA build of torch; README says how.</source>
        <translation>若有 NVIDIA GPU，请安装 CUDA 版 torch，方法见 README。</translation>
    </message>
    <message>
        <source>no GPU answers; training runs on the CPU</source>
        <translation>没有可用的 GPU，训练在 CPU 上进行</translation>
    </message>
    <message>
        <source>With an NVIDIA GPU install its driver; without one nothing needs to be done.</source>
        <translation>若有 NVIDIA GPU，请安装驱动；没有则无需处理。</translation>
    </message>
    <message>
        <source>MPS is not available</source>
        <translation>MPS 不可用</translation>
    </message>
    <message>
        <source>OpenVINO is not installed</source>
        <translation>未安装 OpenVINO</translation>
    </message>
    <message>
        <source>Detectors run on torch. For OpenVINO: pip install openvino.</source>
        <translation>检测器在 torch 上运行。如需 OpenVINO：pip install openvino。</translation>
    </message>
    <message>
        <source>ready: {formats}</source>
        <translation>可用：{formats}</translation>
    </message>
    <message>
        <source>Plug one in, or allow camera access in the system&apos;s privacy settings. The sample works without.</source>
        <translation>请接入摄像头，或在系统隐私设置中允许使用摄像头。内置示例不需要摄像头。</translation>
    </message>
    <message>
        <source>none found</source>
        <translation>未找到</translation>
    </message>
    <message>
        <source>present</source>
        <translation>可用</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Use the command line, or start a desktop session.</source>
        <translation>请使用命令行，或启动桌面会话。</translation>
    </message>
    <message>
        <source>{size} GB free in {folder}</source>
        <translation>{folder} 剩余 {size} GB</translation>
    </message>
    <message>
        <source>Free some space for runs.</source>
        <translation>请为训练释放一些空间。</translation>
    </message>
    <message>
        <source>There is no model {weights}.</source>
        <translation>没有模型 {weights}。</translation>
    </message>
    <message>
        <source>{name} knows {known} classes, the data has {count}.</source>
        <translation>{name} 有 {known} 个类别，数据有 {count} 个。</translation>
    </message>
    <message>
        <source>Evaluate it on the data it was trained for.</source>
        <translation>请用其训练所用的数据评估。</translation>
    </message>
    <message>
        <source>The export was cancelled.</source>
        <translation>导出已取消。</translation>
    </message>
    <message>
        <source>Reading the weights</source>
        <translation>正在读取权重</translation>
    </message>
    <message>
        <source>Checking against torch</source>
        <translation>正在与 torch 核对</translation>
    </message>
    <message>
        <source>There is no export format “{format}”.</source>
        <translation>没有导出格式“{format}”。</translation>
    </message>
    <message>
        <source>Choose one of: {choices}.</source>
        <translation>可选：{choices}。</translation>
    </message>
    <message>
        <source>Weights cannot be stored in “bf16”: it is chosen when the file is run.</source>
        <translation>权重不能以“bf16”存储：它在运行文件时选择。</translation>
    </message>
    <message>
        <source>{title} is not written in “{precision}” here.</source>
        <translation>此处不能以“{precision}”写出 {title}。</translation>
    </message>
    <message>
        <source>{title} is written for one picture size here.</source>
        <translation>此处的 {title} 只能按一种图片尺寸写出。</translation>
    </message>
    <message>
        <source>Choose a fixed size, or another format.</source>
        <translation>请选择固定尺寸，或其他格式。</translation>
    </message>
    <message>
        <source>There is no bundle for {title}: its file runs on this kind of GPU alone.</source>
        <translation>{title} 没有可运行的文件夹：其文件只能在同类 GPU 上运行。</translation>
    </message>
    <message>
        <source>Leave the bundle out, or bundle ONNX, which TensorRT reads.</source>
        <translation>请不用此选项，或改用 ONNX，TensorRT 可以读取。</translation>
    </message>
    <message>
        <source>{name} is no name for {title}.</source>
        <translation>{name} 不能作为 {title} 的名称。</translation>
    </message>
    <message>
        <source>Let it end in {ending}.</source>
        <translation>名称请以 {ending} 结尾。</translation>
    </message>
    <message>
        <source>An input of {width}×{height} pixels is not possible.</source>
        <translation>输入尺寸不能是 {width}×{height} 像素。</translation>
    </message>
    <message>
        <source>Choose multiples of 32 from 32 to 4096.</source>
        <translation>请选择 32 到 4096 之间 32 的倍数。</translation>
    </message>
    <message>
        <source>{path} is a folder that holds something else.</source>
        <translation>{path} 是存有其他内容的文件夹。</translation>
    </message>
    <message>
        <source>Choose another name.</source>
        <translation>请选择其他名称。</translation>
    </message>
    <message>
        <source>Cannot write to {parent}: {reason}.</source>
        <translation>无法写入 {parent}：{reason}。</translation>
    </message>
    <message>
        <source>TensorBoard&apos;s files need a package that is not installed: tensorboardX.</source>
        <translation>写入 TensorBoard 文件需要未安装的软件包：tensorboardX。</translation>
    </message>
    <message>
        <source>Install it: pip install tensorboardX.</source>
        <translation>请安装：pip install tensorboardX。</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>请选择其他文件夹。</translation>
    </message>
    <message>
        <source>{asked} holds no picture to check the export on.</source>
        <translation>{asked} 中没有可用于核对导出的图片。</translation>
    </message>
    <message>
        <source>Choose another source.</source>
        <translation>请选择其他来源。</translation>
    </message>
    <message>
        <source>The exported file computes something else than torch.</source>
        <translation>导出文件的计算结果与 torch 不一致。</translation>
    </message>
    <message>
        <source>Export again with f32 instead of {precision}.</source>
        <translation>请改用 f32 代替 {precision} 重新导出。</translation>
    </message>
    <message>
        <source>Choose weights of a YOLO that detects boxes.</source>
        <translation>请选择检测框的 YOLO 的权重。</translation>
    </message>
    <message>
        <source>{name} is a PyTorch file, but holds no model.</source>
        <translation>{name} 是 PyTorch 文件，但不含模型。</translation>
    </message>
    <message>
        <source>{name} holds {records} tensors: more than a detector has.</source>
        <translation>{name} 含 {records} 个张量，超出检测器所能有的数量。</translation>
    </message>
    <message>
        <source>The design in {name} is not text.</source>
        <translation>{name} 中的方案不是文本。</translation>
    </message>
    <message>
        <source>Choose another checkpoint.</source>
        <translation>请选择其他检查点。</translation>
    </message>
    <message>
        <source>The head of {name} is not that of an original YOLOv5.</source>
        <translation>{name} 的检测头不是原版 YOLOv5 的检测头。</translation>
    </message>
    <message>
        <source>{name} is of an unknown architecture: {layers} layers with weights and {count} M numbers fit no base model.</source>
        <translation>{name} 的结构未知：{layers} 个含权重的层、{count} M 个参数，不符合任何基础模型。</translation>
    </message>
    <message>
        <source>The engine knows no job “{name}”.</source>
        <translation>引擎没有任务“{name}”。</translation>
    </message>
    <message>
        <source>Jobs: {choices}.</source>
        <translation>任务：{choices}。</translation>
    </message>
    <message>
        <source>The comparison&apos;s request is incomplete: {reason}.</source>
        <translation>对比请求不完整：{reason}。</translation>
    </message>
    <message>
        <source>Cannot read the weights {weights}: {reason}.</source>
        <translation>无法读取权重 {weights}：{reason}。</translation>
    </message>
    <message>
        <source>Choose a .pt file that exists.</source>
        <translation>请选择存在的 .pt 文件。</translation>
    </message>
    <message>
        <source>Cannot keep the converted detector in {folder}.</source>
        <translation>无法将转换后的检测器存入 {folder}。</translation>
    </message>
    <message>
        <source>{name} has not been looked at yet.</source>
        <translation>尚未检查过 {name}。</translation>
    </message>
    <message>
        <source>Open it in the Studio, or with: layers --base {name}.</source>
        <translation>请在 Studio 中打开，或用 layers --base {name} 打开。</translation>
    </message>
    <message>
        <source>“{name}” is no name that a design can hold.</source>
        <translation>“{name}”不能用作方案中的模型名称。</translation>
    </message>
    <message>
        <source>Use letters, digits, spaces and -_.()+ and end it with .yaml.</source>
        <translation>请使用字母、数字、空格和 -_.()+，并以 .yaml 结尾。</translation>
    </message>
    <message>
        <source>{name} has {count} modules; {most} are allowed.</source>
        <translation>{name} 有 {count} 个模块，最多允许 {most} 个。</translation>
    </message>
    <message>
        <source>Lower its repeats or its depth.</source>
        <translation>请减少其重复次数或深度。</translation>
    </message>
    <message>
        <source>Check that the disk is not full and can be written.</source>
        <translation>请检查磁盘未满且可写入。</translation>
    </message>
    <message>
        <source>The model {name} is not known on this computer.</source>
        <translation>本机没有模型 {name}。</translation>
    </message>
    <message>
        <source>Put {name} beside the design.</source>
        <translation>请把 {name} 放到方案文件旁。</translation>
    </message>
    <message>
        <source>The checkpoint carries no design of the Studio.</source>
        <translation>检查点中没有 Studio 的方案。</translation>
    </message>
    <message>
        <source>Open it as a standard model.</source>
        <translation>请作为标准模型打开。</translation>
    </message>
    <message>
        <source>{name} is an original YOLOv5 checkpoint: its head predicts with anchors.</source>
        <translation>{name} 是原版 YOLOv5 检查点，检测头使用锚框。</translation>
    </message>
    <message>
        <source>Train with it as the starting weights first.</source>
        <translation>请先以它为初始权重进行训练。</translation>
    </message>
    <message>
        <source>{name} has no detection head.</source>
        <translation>{name} 没有检测头。</translation>
    </message>
    <message>
        <source>Choose a checkpoint of a detector.</source>
        <translation>请选择检测器的检查点。</translation>
    </message>
    <message>
        <source>{name} does not fit its design: {reason}</source>
        <translation>{name} 与其方案不符：{reason}</translation>
    </message>
    <message>
        <source>it cannot be decoded ({detail})</source>
        <translation>无法解码（{detail}）</translation>
    </message>
    <message>
        <source>part of it is missing ({detail})</source>
        <translation>不完整（{detail}）</translation>
    </message>
    <message>
        <source>it claims {detail} pixels, which would fill the memory</source>
        <translation>声称有 {detail} 像素，会占满内存</translation>
    </message>
    <message>
        <source>it is only {detail} pixels large</source>
        <translation>只有 {detail} 像素</translation>
    </message>
    <message>
        <source>the file cannot be read ({detail})</source>
        <translation>文件无法读取（{detail}）</translation>
    </message>
    <message>
        <source>more than 179 million</source>
        <translation>超过 1.79 亿</translation>
    </message>
    <message>
        <source>HEIC: convert it to JPEG</source>
        <translation>HEIC：请转换为 JPEG</translation>
    </message>
    <message>
        <source>its format is not known</source>
        <translation>格式未知</translation>
    </message>
    <message>
        <source>it declares a document type, which no label needs</source>
        <translation>它声明了文档类型，而标注并不需要</translation>
    </message>
    <message>
        <source>its elements are nested too deeply</source>
        <translation>其元素嵌套过深</translation>
    </message>
    <message>
        <source>it holds more than 20 000 objects</source>
        <translation>其中目标超过 20 000 个</translation>
    </message>
    <message>
        <source>it is larger than 5 MB</source>
        <translation>它大于 5 MB</translation>
    </message>
    <message>
        <source>it is no Pascal VOC annotation</source>
        <translation>它不是 Pascal VOC 标注</translation>
    </message>
    <message>
        <source>Choose the folder of a Pascal VOC data set with labelled objects.</source>
        <translation>请选择带有标注目标的 Pascal VOC 数据集文件夹。</translation>
    </message>
    <message>
        <source>no such file</source>
        <translation>文件不存在</translation>
    </message>
    <message>
        <source>permission denied</source>
        <translation>没有权限</translation>
    </message>
    <message>
        <source>None of {count} training pictures can be read, such as {name}.</source>
        <translation>{count} 张训练图片都无法读取，例如 {name}。</translation>
    </message>
    <message>
        <source>Check the data on the Data page.</source>
        <translation>请在“数据”页检查数据。</translation>
    </message>
    <message>
        <source>The checkpoints in {folder} cannot be read: {reason}</source>
        <translation>{folder} 中的检查点无法读取：{reason}</translation>
    </message>
    <message>
        <source>Start the training anew under another name.</source>
        <translation>请换一个名称重新开始训练。</translation>
    </message>
    <message>
        <source>There are no detectors to measure with.</source>
        <translation>没有可供测量的检测器。</translation>
    </message>
    <message>
        <source>Choose two checkpoints.</source>
        <translation>请选择两个检查点。</translation>
    </message>
    <message>
        <source>Converting the sample&apos;s detectors</source>
        <translation>正在转换示例检测器</translation>
    </message>
    <message>
        <source>OpenVINO finds no device “{device}” here.</source>
        <translation>OpenVINO 在本机找不到设备“{device}”。</translation>
    </message>
    <message>
        <source>Choose one of: {names}.</source>
        <translation>可选：{names}。</translation>
    </message>
    <message>
        <source>OpenVINO cannot compute in {precision} on this {device}.</source>
        <translation>OpenVINO 无法在此 {device} 上以 {precision} 计算。</translation>
    </message>
    <message>
        <source>ONNX Runtime computes in f32 here, not {precision}.</source>
        <translation>本机的 ONNX Runtime 以 f32 计算，不支持 {precision}。</translation>
    </message>
    <message>
        <source>ONNX Runtime finds no device “{device}” here.</source>
        <translation>ONNX Runtime 在本机找不到设备“{device}”。</translation>
    </message>
    <message>
        <source>PyTorch knows no device “{device}”.</source>
        <translation>PyTorch 没有设备“{device}”。</translation>
    </message>
    <message>
        <source>Choose cpu, cuda, cuda:1 or mps.</source>
        <translation>请选择 cpu、cuda、cuda:1 或 mps。</translation>
    </message>
    <message>
        <source>PyTorch cannot use “{device}” here.</source>
        <translation>PyTorch 在本机无法使用“{device}”。</translation>
    </message>
    <message>
        <source>Choose cpu, or run “python main.py doctor” to see what is missing.</source>
        <translation>请选择 cpu，或运行 python main.py doctor 查看缺少什么。</translation>
    </message>
    <message>
        <source>There is no “{device}”.</source>
        <translation>没有“{device}”。</translation>
    </message>
    <message>
        <source>PyTorch finds {count} CUDA device(s) here.</source>
        <translation>PyTorch 在本机找到 {count} 个 CUDA 设备。</translation>
    </message>
    <message>
        <source>PyTorch on the CPU runs in f32 here, not {precision}.</source>
        <translation>本机 CPU 上的 PyTorch 以 f32 运行，不支持 {precision}。</translation>
    </message>
    <message>
        <source>Choose f32, or OpenVINO.</source>
        <translation>请选择 f32 或 OpenVINO。</translation>
    </message>
    <message>
        <source>The sample has no part {part}.</source>
        <translation>示例没有“{part}”部分。</translation>
    </message>
    <message>
        <source>Choose from {choices}.</source>
        <translation>可选：{choices}。</translation>
    </message>
    <message>
        <source>The sample was cancelled.</source>
        <translation>示例生成已取消。</translation>
    </message>
    <message>
        <source>Nothing is left behind; start it again when you like.</source>
        <translation>没有留下任何文件，可随时重新开始。</translation>
    </message>
    <message>
        <source>The card cannot be written to {path}: {reason}.</source>
        <translation>卡片无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Check that the folder is writable and the disk is not full.</source>
        <translation>请检查文件夹可写且磁盘未满。</translation>
    </message>
    <message>
        <source>The clip cannot be written as {name}.</source>
        <translation>视频不能写成 {name}。</translation>
    </message>
    <message>
        <source>Choose a name ending in .mp4 or .avi.</source>
        <translation>名称请以 .mp4 或 .avi 结尾。</translation>
    </message>
    <message>
        <source>The clip cannot be written to {path}.</source>
        <translation>视频无法写入 {path}。</translation>
    </message>
    <message>
        <source>Check that the folder is writable.</source>
        <translation>请检查文件夹可写。</translation>
    </message>
    <message>
        <source>The sample needs at least one picture to train on and one to validate on.</source>
        <translation>示例至少需要一张训练图片和一张验证图片。</translation>
    </message>
    <message>
        <source>Give counts above 0, and a seed of 0 or more.</source>
        <translation>数量须大于 0，随机种子须不小于 0。</translation>
    </message>
    <message>
        <source>The sample&apos;s pictures cannot be {width}×{height} pixels.</source>
        <translation>示例图片不能是 {width}×{height} 像素。</translation>
    </message>
    <message>
        <source>Choose a width and a height from 64 to 4096.</source>
        <translation>请选择 64 到 4096 的宽和高。</translation>
    </message>
    <message>
        <source>{folder} holds something else than a sample.</source>
        <translation>{folder} 中不是示例。</translation>
    </message>
    <message>
        <source>Choose an empty folder or a new name.</source>
        <translation>请选择空文件夹或新名称。</translation>
    </message>
    <message>
        <source>The sample cannot be written to {folder}: {reason}.</source>
        <translation>示例无法写入 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>Check that the folder is writable and the disk has about 20 MB free.</source>
        <translation>请检查文件夹可写，且磁盘有约 20 MB 空间。</translation>
    </message>
    <message>
        <source>A picture of the sample could not be compressed.</source>
        <translation>示例图片无法压缩。</translation>
    </message>
    <message>
        <source>Reinstall opencv-python.</source>
        <translation>请重新安装 opencv-python。</translation>
    </message>
    <message>
        <source>The data set has no pictures in “{split}”.</source>
        <translation>数据集的“{split}”中没有图片。</translation>
    </message>
    <message>
        <source>Take one of {names}.</source>
        <translation>可选：{names}。</translation>
    </message>
    <message>
        <source>The loss became infinite or undefined in epoch {epoch}: the training diverged.</source>
        <translation>第 {epoch} 轮损失变为无穷或无效：训练已发散。</translation>
    </message>
    <message>
        <source>Lower the learning rate (lr0), switch mixed precision off (amp), or look at the data&apos;s findings.</source>
        <translation>请降低学习率 (lr0)、关闭混合精度 (amp)，或查看数据检查结果。</translation>
    </message>
    <message>
        <source>The GPU&apos;s memory is full.</source>
        <translation>GPU 显存不足。</translation>
    </message>
    <message>
        <source>Resume with a smaller batch, or take smaller pictures; end other programs on the GPU.</source>
        <translation>请用较小的批大小继续训练，或使用较小的图片；并结束占用 GPU 的其他程序。</translation>
    </message>
    <message>
        <source>The memory is full.</source>
        <translation>内存不足。</translation>
    </message>
    <message>
        <source>Take a smaller batch or picture size, or close other programs, then resume.</source>
        <translation>请减小批大小或图片尺寸，或关闭其他程序，然后继续训练。</translation>
    </message>
    <message>
        <source>A process that loads pictures has ended: {reason}</source>
        <translation>一个加载图片的进程已结束：{reason}</translation>
    </message>
    <message>
        <source>Most often memory was short: close other programs, or take fewer of them (workers), then resume.</source>
        <translation>通常是内存不足：请关闭其他程序，或减少加载进程数（workers），然后继续训练。</translation>
    </message>
    <message>
        <source>{path} is gone, or cannot be read any more.</source>
        <translation>{path} 已不存在，或无法再读取。</translation>
    </message>
    <message>
        <source>Put it back (is its drive connected?), then resume.</source>
        <translation>请将其放回原处（所在的驱动器是否已连接？），然后继续训练。</translation>
    </message>
    <message>
        <source>The disk is full ({path}).</source>
        <translation>磁盘已满（{path}）。</translation>
    </message>
    <message>
        <source>Free some space, then resume.</source>
        <translation>请释放空间，然后继续训练。</translation>
    </message>
    <message>
        <source>the run folder</source>
        <translation>训练文件夹</translation>
    </message>
    <message>
        <source>{path} cannot be written.</source>
        <translation>{path} 无法写入。</translation>
    </message>
    <message>
        <source>Allow writing there, or choose another workspace; then resume.</source>
        <translation>请允许在该处写入，或另选工作区，然后继续训练。</translation>
    </message>
    <message>
        <source>The run folder</source>
        <translation>训练文件夹</translation>
    </message>
    <message>
        <source>The Python package “{name}” is missing.</source>
        <translation>缺少 Python 软件包“{name}”。</translation>
    </message>
    <message>
        <source>`python main.py doctor` says what to do.</source>
        <translation>运行 python main.py doctor 查看解决办法。</translation>
    </message>
    <message>
        <source>{name}: {first}</source>
        <translation>{name}：{first}</translation>
    </message>
    <message>
        <source>The log in the run folder has the details.</source>
        <translation>详情见训练文件夹中的日志。</translation>
    </message>
    <message>
        <source>This is no transfer report: {reason}.</source>
        <translation>这不是权重迁移报告：{reason}。</translation>
    </message>
    <message>
        <source>Convert or train again.</source>
        <translation>请重新转换或训练。</translation>
    </message>
    <message>
        <source>The snapshot cannot be saved in {folder}: {reason}.</source>
        <translation>截图无法保存到 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>The training&apos;s process of GPU {rank} ended (status {status}).</source>
        <translation>GPU {rank} 的训练进程已结束（状态 {status}）。</translation>
    </message>
    <message>
        <source>The log in the run folder has the details; resume when it is solved.</source>
        <translation>详情见训练文件夹中的日志；解决后可继续训练。</translation>
    </message>
    <message>
        <source>Choose a .pt file of a YOLOv5 or YOLOv5u detector.</source>
        <translation>请选择 YOLOv5 或 YOLOv5u 检测器的 .pt 文件。</translation>
    </message>
    <message>
        <source>Copy or download it again.</source>
        <translation>请重新复制或下载。</translation>
    </message>
    <message>
        <source>{path} is not a file.</source>
        <translation>{path} 不是文件。</translation>
    </message>
    <message>
        <source>{path} cannot be opened: {reason}.</source>
        <translation>{path} 无法打开：{reason}。</translation>
    </message>
    <message>
        <source>{name} has {size} GiB: too large for a detector.</source>
        <translation>{name} 有 {size} GiB，作为检测器过大。</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} 是空文件。</translation>
    </message>
    <message>
        <source>{name} was not opened: it asks to run {call}.</source>
        <translation>没有打开 {name}：它要求运行 {call}。</translation>
    </message>
    <message>
        <source>Nothing of it was run. Use weights from a source you trust.</source>
        <translation>其中内容均未运行。请使用来源可信的权重。</translation>
    </message>
    <message>
        <source>{name} is damaged or no checkpoint: {reason}.</source>
        <translation>{name} 已损坏或不是检查点：{reason}。</translation>
    </message>
    <message>
        <source>{name} is a zip file, but no PyTorch checkpoint.</source>
        <translation>{name} 是 zip 文件，但不是 PyTorch 检查点。</translation>
    </message>
    <message>
        <source>{name} is a TorchScript program, not a checkpoint.</source>
        <translation>{name} 是 TorchScript 程序，不是检查点。</translation>
    </message>
    <message>
        <source>Choose the .pt it was exported from.</source>
        <translation>请选择导出它所用的 .pt。</translation>
    </message>
    <message>
        <source>{name} describes more than a detector can hold.</source>
        <translation>{name} 描述的内容超出检测器所能容纳。</translation>
    </message>
    <message>
        <source>{name} was written on a big-endian machine.</source>
        <translation>{name} 是在大端序机器上写入的。</translation>
    </message>
    <message>
        <source>{name} claims more data than it holds.</source>
        <translation>{name} 声称的数据多于实际所含。</translation>
    </message>
    <message>
        <source>Use weights from a source you trust.</source>
        <translation>请使用来源可信的权重。</translation>
    </message>
    <message>
        <source>{name} is not a PyTorch checkpoint.</source>
        <translation>{name} 不是 PyTorch 检查点。</translation>
    </message>
    <message>
        <source>{name} was written by an unknown version of PyTorch.</source>
        <translation>{name} 由未知版本的 PyTorch 写入。</translation>
    </message>
    <message>
        <source>{name} is damaged: a tensor reaches beyond its data.</source>
        <translation>{name} 已损坏：张量超出了数据范围。</translation>
    </message>
    <message>
        <source>{name} is truncated or damaged.</source>
        <translation>{name} 不完整或已损坏。</translation>
    </message>
    <message>
        <source>Channels in the middle, percent of the input&apos;s</source>
        <translation>中间通道数，占输入的百分比</translation>
    </message>
    <message>
        <source>ShuffleNetV2 unit</source>
        <translation>ShuffleNetV2 单元</translation>
    </message>
    <message>
        <source>Half of the channels pass by, the others are worked on; then all are shuffled.</source>
        <translation>一半通道直接通过，另一半参与计算，最后打乱全部通道。</translation>
    </message>
    <message>
        <source>MobileNetV3 block</source>
        <translation>MobileNetV3 块</translation>
    </message>
    <message>
        <source>Expand, depthwise, weigh the channels, project without activation; a shortcut around all.</source>
        <translation>扩展、深度卷积、通道加权，再做无激活的投影；整体外加捷径连接。</translation>
    </message>
    <message>
        <source>EfficientNetV2 block</source>
        <translation>EfficientNetV2 块</translation>
    </message>
    <message>
        <source>Up to P3 a dense convolution and a projection, from P4 on a mobile block; a shortcut around.</source>
        <translation>到 P3 为止是稠密卷积加投影，从 P4 起是移动块；外加捷径连接。</translation>
    </message>
    <message>
        <source>The same up to level P3, where the expansion is dense</source>
        <translation>同上，用于 P3 及以前，那里的扩展是稠密卷积</translation>
    </message>
    <message>
        <source>PP-LCNet block</source>
        <translation>PP-LCNet 块</translation>
    </message>
    <message>
        <source>Depthwise with a large kernel, weigh the channels, pointwise.</source>
        <translation>大核深度卷积、通道加权、逐点卷积。</translation>
    </message>
    <message>
        <source>Inner channels, percent of the output&apos;s</source>
        <translation>内部通道数，占输出的百分比</translation>
    </message>
    <message>
        <source>Ghost C3</source>
        <translation>Ghost C3</translation>
    </message>
    <message>
        <source>A C3 whose bottlenecks make half of their channels by cheap filters.</source>
        <translation>瓶颈的一半通道由廉价卷积生成的 C3。</translation>
    </message>
    <message>
        <source>Compact inverted block (CIB)</source>
        <translation>紧凑倒置块 (CIB)</translation>
    </message>
    <message>
        <source>Depthwise and pointwise convolutions in turn, five in all.</source>
        <translation>深度卷积与逐点卷积交替，共 5 个。</translation>
    </message>
    <message>
        <source>1: 7×7 filters in the middle, 0: 3×3 alone</source>
        <translation>1：中间用 7×7 卷积核，0：只用 3×3</translation>
    </message>
    <message>
        <source>Narrow C3k2</source>
        <translation>窄 C3k2</translation>
    </message>
    <message>
        <source>YOLO11&apos;s C3k2 with few inner channels, all of whose outputs are joined.</source>
        <translation>YOLO11 的 C3k2，内部通道较少，各部分的输出全部拼接。</translation>
    </message>
    <message>
        <source>Inner blocks: 1 are C3k of two bottlenecks, 0 bottlenecks</source>
        <translation>内部块：1 为含两个瓶颈的 C3k，0 为瓶颈</translation>
    </message>
    <message>
        <source>There is no design named “{name}” in {folder}.</source>
        <translation>{folder} 中没有名为“{name}”的方案。</translation>
    </message>
    <message>
        <source>Choose one that is listed.</source>
        <translation>请选择列出的方案。</translation>
    </message>
    <message>
        <source>Notes of {count} characters are too long.</source>
        <translation>备注有 {count} 个字符，过长。</translation>
    </message>
    <message>
        <source>Write at most {most}.</source>
        <translation>最多可写 {most} 个。</translation>
    </message>
    <message>
        <source>There is a design named “{name}” already.</source>
        <translation>已有名为“{name}”的方案。</translation>
    </message>
    <message>
        <source>Take another name.</source>
        <translation>请换一个名称。</translation>
    </message>
    <message>
        <source>{path} cannot be read or written: {reason}.</source>
        <translation>{path} 无法读写：{reason}。</translation>
    </message>
    <message>
        <source>Check the folder and its permissions.</source>
        <translation>请检查文件夹及其权限。</translation>
    </message>
    <message>
        <source>There is no file {path}.</source>
        <translation>没有文件 {path}。</translation>
    </message>
    <message>
        <source>Write one with: latency DESIGN --save-table FILE.</source>
        <translation>可用 latency DESIGN --save-table FILE 生成。</translation>
    </message>
    <message>
        <source>{name} is no latency table that this version can read.</source>
        <translation>{name} 不是此版本能读取的延迟表。</translation>
    </message>
    <message>
        <source>Write it again with: latency DESIGN --save-table FILE.</source>
        <translation>请用 latency DESIGN --save-table FILE 重新生成。</translation>
    </message>
    <message>
        <source>{name} holds no figures yet.</source>
        <translation>{name} 中还没有数值。</translation>
    </message>
    <message>
        <source>{path} cannot be removed: {reason}.</source>
        <translation>{path} 无法删除：{reason}。</translation>
    </message>
    <message>
        <source>Remove it by hand.</source>
        <translation>请手动删除。</translation>
    </message>
    <message>
        <source>In INT8 several depthwise filters a channel are slower than a standard convolution, unrolled too.</source>
        <translation>在 INT8 下，每个通道用多个深度卷积核比标准卷积更慢，展开后也一样。</translation>
    </message>
    <message>
        <source>Take rank 1, or leave these modules standard.</source>
        <translation>请用 rank 1，或让这些模块保持标准。</translation>
    </message>
    <message>
        <source>Several depthwise filters a channel fall off the fast path of every runtime; the Studio unrolls them when it runs and exports, other programs do not.</source>
        <translation>每个通道用多个深度卷积核时，各推理后端都无法走快速路径；Studio 在运行和导出时会将其展开，其他程序不会。</translation>
    </message>
    <message>
        <source>Export from the Studio, not with the stock command.</source>
        <translation>请从 Studio 导出，不要用原版命令。</translation>
    </message>
    <message>
        <source>Groups of gcd(c1, c2) are no depthwise convolution here: {where} has its fast kernels for depthwise and for dense ones.</source>
        <translation>分成 gcd(c1, c2) 组在此处并不是深度卷积：{where} 的快速实现只针对深度卷积和稠密卷积。</translation>
    </message>
    <message>
        <source>Take the depthwise separable block, which mixes channels too.</source>
        <translation>请改用深度可分离卷积，它还会混合通道。</translation>
    </message>
    <message>
        <source>Inside these blocks channels are no multiples of {multiple} (such as {channels}): part of every vector stays empty in {precision}.</source>
        <translation>这些块内部的通道数不是 {multiple} 的倍数（例如 {channels}）：在 {precision} 下每个向量都有一部分空置。</translation>
    </message>
    <message>
        <source>Choose another width or expansion, or another kind.</source>
        <translation>请选择其他宽度或扩展比，或换一种类型。</translation>
    </message>
    <message>
        <source>{where} has no {activation} that is fused into its convolutions: it costs a pass over memory each, or runs on the processor.</source>
        <translation>{where} 无法把 {activation} 融合进卷积：每次都要多遍历一次内存，或改在处理器上运行。</translation>
    </message>
    <message>
        <source>Give the whole model {instead}, and train it.</source>
        <translation>请将整个模型改用 {instead}，并重新训练。</translation>
    </message>
    <message>
        <source>{where} waits for the mean over the whole picture in squeeze-and-excitation.</source>
        <translation>{where} 在压缩激励 (SE) 中要等待整张图片的均值。</translation>
    </message>
    <message>
        <source>Switch it off in these blocks: squeeze = 0.</source>
        <translation>请在这些块中关闭它：squeeze = 0。</translation>
    </message>
    <message>
        <source>Leave it standard: no other kind is faster there either.</source>
        <translation>请保持标准：其他类型在那里也不会更快。</translation>
    </message>
    <message>
        <source>Take {kind} instead, which saves {saved} ms.</source>
        <translation>请改用“{kind}”，可节省 {saved} ms。</translation>
    </message>
    <message>
        <source>Here this swap costs {lost} ms more than it saves on {where}.</source>
        <translation>在此处，{where} 上这一替换的开销比节省的多 {lost} ms。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, and {percent} faster here on {where}.</source>
        <translation>GFLOPs {flops}，在本机 {where} 上也快 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, but {percent} slower here on {where}.</source>
        <translation>GFLOPs {flops}，但在本机 {where} 上慢 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, but no faster here on {where}.</source>
        <translation>GFLOPs {flops}，但在本机 {where} 上并不更快。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, and {percent} slower here on {where}.</source>
        <translation>GFLOPs {flops}，在本机 {where} 上也慢 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, yet {percent} faster here on {where}.</source>
        <translation>GFLOPs {flops}，在本机 {where} 上却快 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, equally fast here on {where}.</source>
        <translation>GFLOPs {flops}，在本机 {where} 上一样快。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, and {percent} faster on {machine} ({where}).</source>
        <translation>GFLOPs {flops}，在 {machine}（{where}）上也快 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, but {percent} slower on {machine} ({where}).</source>
        <translation>GFLOPs {flops}，但在 {machine}（{where}）上慢 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, but no faster on {machine} ({where}).</source>
        <translation>GFLOPs {flops}，但在 {machine}（{where}）上并不更快。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, and {percent} slower on {machine} ({where}).</source>
        <translation>GFLOPs {flops}，在 {machine}（{where}）上也慢 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, yet {percent} faster on {machine} ({where}).</source>
        <translation>GFLOPs {flops}，在 {machine}（{where}）上却快 {percent}。</translation>
    </message>
    <message>
        <source>{flops} GFLOPs, equally fast on {machine} ({where}).</source>
        <translation>GFLOPs {flops}，在 {machine}（{where}）上一样快。</translation>
    </message>
    <message>
        <source>Other programs used {percent} of the processors meanwhile: these figures are not kept; only their ratio says something.</source>
        <translation>测量期间其他程序占用了 {percent} 的处理器：这些数值不保留，只有两者之比可供参考。</translation>
    </message>
    <message>
        <source>inside a {type}, and a row names only whole layers</source>
        <translation>位于 {type} 内部，而每行只能写整层</translation>
    </message>
    <message>
        <source>inside the detection head, and a row names only whole layers</source>
        <translation>位于检测头内部，而每行只能写整层</translation>
    </message>
    <message>
        <source>with such a row ultralytics builds another detection head, with depthwise class branches</source>
        <translation>有这样一行时，ultralytics 会构建另一种检测头，其类别分支用深度卷积</translation>
    </message>
    <message>
        <source>ultralytics gives the detection head its depthwise class branches at the sight of this layer: one must stay</source>
        <translation>ultralytics 见到此层才会给检测头配上深度卷积的类别分支，须保留一个</translation>
    </message>
    <message>
        <source>{name}: ultralytics reads a scale in this name, which changes the model.</source>
        <translation>{name}：ultralytics 会从此文件名读出规模，从而改变模型。</translation>
    </message>
    <message>
        <source>Choose another name, such as {example}.</source>
        <translation>请换一个名称，如 {example}。</translation>
    </message>
    <message>
        <source>{base} is no stock model of ultralytics: its rows are not known.</source>
        <translation>{base} 不是 ultralytics 的原版模型，不知道它的各行。</translation>
    </message>
    <message>
        <source>Use the checkpoint best.pt instead; stock ultralytics opens it.</source>
        <translation>请改用检查点 best.pt，原版 ultralytics 可以打开。</translation>
    </message>
    <message>
        <source>{base} has several activations; a model YAML names one.</source>
        <translation>{base} 有多种激活函数，而模型 YAML 只能写一种。</translation>
    </message>
    <message>
        <source>{base} cannot be said for the YOLOv5 repository, whose {module} is another or missing.</source>
        <translation>{base} 无法写给 YOLOv5 仓库：其中的 {module} 不同或不存在。</translation>
    </message>
    <message>
        <source>Export it for ultralytics.</source>
        <translation>请导出为 ultralytics 的格式。</translation>
    </message>
    <message>
        <source>{base} with {activation} cannot be said in a model YAML: its {module} brings an activation along, which no entry changes.</source>
        <translation>使用 {activation} 的 {base} 无法用模型 YAML 表示：其中的 {module} 自带激活函数，没有条目能改变它。</translation>
    </message>
    <message>
        <source>{unsaid} of {count} swaps cannot be said in a model YAML for {flavour}: {listed}.</source>
        <translation>{count} 处替换中有 {unsaid} 处无法写入供 {flavour} 使用的模型 YAML：{listed}。</translation>
    </message>
    <message>
        <source>Use the checkpoint best.pt instead, which stock ultralytics opens; replace the whole layer by a kind that a row can name (such as ghost_c3); or leave those layers standard (--partial).</source>
        <translation>请改用原版 ultralytics 可以打开的检查点 best.pt；或把整层替换为能写成一行的类型（如 ghost_c3）；或让这些层保持标准 (--partial)。</translation>
    </message>
    <message>
        <source>no row of a model YAML makes such a block</source>
        <translation>模型 YAML 中没有能得到这种块的行</translation>
    </message>
    <message>
        <source>its row has no argument for this padding</source>
        <translation>其所在行没有表示这种填充的参数</translation>
    </message>
    <message>
        <source>its channels are no multiple of 8, and rows round them up</source>
        <translation>其通道数不是 8 的倍数，而各行会向上取整</translation>
    </message>
    <message>
        <source>a row cannot name its activation</source>
        <translation>一行无法写明其激活函数</translation>
    </message>
    <message>
        <source>a RepConv row must make as many channels as it reads: its parser takes them for the same</source>
        <translation>RepConv 行的输出通道数必须等于输入通道数：解析器视两者相同</translation>
    </message>
    <message>
        <source>the YOLOv5 repository has no such module</source>
        <translation>YOLOv5 仓库没有这种模块</translation>
    </message>
    <message>
        <source>{source}: no base model has this activation and this kind of head.</source>
        <translation>{source}：没有基础模型采用这种激活函数和这种检测头。</translation>
    </message>
    <message>
        <source>Only base models and what the Studio makes of them can be imported.</source>
        <translation>只能导入基础模型，以及 Studio 由其得到的模型。</translation>
    </message>
    <message>
        <source>{source}, line {line}: row {row} ({given}) is neither {expected} of {base}, the nearest base model, nor a block in its place.</source>
        <translation>{source} 第 {line} 行：第 {row} 层（{given}）既不是最接近的基础模型 {base} 的 {expected}，也不是其位置上的替换块。</translation>
    </message>
    <message>
        <source>this is longer than a model YAML can be.</source>
        <translation>超过了模型 YAML 的长度上限。</translation>
    </message>
    <message>
        <source>Choose a model YAML.</source>
        <translation>请选择模型 YAML。</translation>
    </message>
    <message>
        <source>its lists are nested too deeply.</source>
        <translation>列表嵌套过深。</translation>
    </message>
    <message>
        <source>A model YAML has {entries}.</source>
        <translation>模型 YAML 可有的条目：{entries}。</translation>
    </message>
    <message>
        <source>this is no model YAML of a detector.</source>
        <translation>不是检测器的模型 YAML。</translation>
    </message>
    <message>
        <source>It needs the entries backbone and head, the last row being Detect.</source>
        <translation>它需要 backbone 和 head 两个条目，且最后一行为 Detect。</translation>
    </message>
    <message>
        <source>“{name}” stands twice.</source>
        <translation>“{name}”出现两次。</translation>
    </message>
    <message>
        <source>this is no row of a model YAML.</source>
        <translation>不是模型 YAML 的一行。</translation>
    </message>
    <message>
        <source>A row is [from, repeats, module, arguments], with plain numbers and words.</source>
        <translation>每行写作 [from, repeats, module, arguments]，只用普通的数字和文字。</translation>
    </message>
    <message>
        <source>“{value}” is out of place.</source>
        <translation>“{value}”不应出现在此处。</translation>
    </message>
    <message>
        <source>Arguments are numbers up to {most}, and the words {words}.</source>
        <translation>参数可以是不超过 {most} 的数，以及这些文字：{words}。</translation>
    </message>
    <message>
        <source>{name} is no module of a base model or a block.</source>
        <translation>{name} 不是基础模型或替换块中的模块。</translation>
    </message>
    <message>
        <source>Known are {known}.</source>
        <translation>已知的有：{known}。</translation>
    </message>
    <message>
        <source>“from” {value} names no row before this one.</source>
        <translation>“from” {value} 没有指向此行之前的行。</translation>
    </message>
    <message>
        <source>Rows are counted from 0; −1 is the one before.</source>
        <translation>行从 0 开始计数，−1 表示上一行。</translation>
    </message>
    <message>
        <source>this activation is not known.</source>
        <translation>未知的激活函数。</translation>
    </message>
    <message>
        <source>the file&apos;s name asks for scale “{name}”, which is not there.</source>
        <translation>文件名要求规模“{name}”，但其中没有。</translation>
    </message>
    <message>
        <source>Name the file after one of {choices}.</source>
        <translation>请按以下之一命名文件：{choices}。</translation>
    </message>
    <message>
        <source>Give a number from {low} to {high}.</source>
        <translation>请填写 {low} 到 {high} 之间的数。</translation>
    </message>
    <message>
        <source>Nothing is known about the speed of single layers here.</source>
        <translation>尚不知道各层在本机的速度。</translation>
    </message>
    <message>
        <source>Measure the latency first, then set a target for it.</source>
        <translation>请先测量延迟，再为其设定目标。</translation>
    </message>
    <message>
        <source>There is no target to reach.</source>
        <translation>没有设定目标。</translation>
    </message>
    <message>
        <source>Set one, such as gflops=-50%.</source>
        <translation>请设定一个，如 gflops=-50%。</translation>
    </message>
    <message>
        <source>How fast the swaps of the locked layers are is not known.</source>
        <translation>尚不知道锁定层中的替换有多快。</translation>
    </message>
    <message>
        <source>Measure the latency of this design first, or unlock them.</source>
        <translation>请先测量此方案的延迟，或解锁这些层。</translation>
    </message>
    <message>
        <source>Locked “{pattern}”: {base} has no such module.</source>
        <translation>锁定“{pattern}”：{base} 没有这样的模块。</translation>
    </message>
    <message>
        <source>{value} GFLOPs</source>
        <translation>{value} GFLOPs</translation>
    </message>
    <message>
        <source>{value} parameters</source>
        <translation>{value} 个参数</translation>
    </message>
    <message>
        <source>{value} on disk</source>
        <translation>{value} 磁盘空间</translation>
    </message>
    <message>
        <source>{value} ms</source>
        <translation>{value} ms</translation>
    </message>
    <message>
        <source>GFLOPs</source>
        <translation>GFLOPs</translation>
    </message>
    <message>
        <source>parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>file size</source>
        <translation>文件大小</translation>
    </message>
    <message>
        <source>milliseconds</source>
        <translation>毫秒</translation>
    </message>
    <message>
        <source>“{text}” is no target.</source>
        <translation>“{text}”不是有效的目标。</translation>
    </message>
    <message>
        <source>Write NAME=VALUE, such as gflops=-50% or params=1.2M; names are {names}.</source>
        <translation>请写作 NAME=VALUE，如 gflops=-50% 或 params=1.2M；可用的名称：{names}。</translation>
    </message>
    <message>
        <source>“{text}” has no value that a model could reach.</source>
        <translation>“{text}”中的值是模型无法达到的。</translation>
    </message>
    <message>
        <source>Give the most it may cost, such as 1.2M, or a change with its sign, such as -50%.</source>
        <translation>请填写开销上限，如 1.2M；或带正负号的变化，如 -50%。</translation>
    </message>
    <message>
        <source>With these layers and kinds {least} ({change}) is the least; {limit} was asked for.</source>
        <translation>用这些层和类型，最少为 {least}（{change}），而目标为 {limit}。</translation>
    </message>
    <message>
        <source>Each target can be reached, but not all together: with the others met, {least} ({change}) is the least; {limit} was asked for.</source>
        <translation>各个目标可以单独达到，但无法同时达到：满足其他目标时，最少为 {least}（{change}），而目标为 {limit}。</translation>
    </message>
    <message>
        <source>Unlock {patterns}.</source>
        <translation>请解锁 {patterns}。</translation>
    </message>
    <message>
        <source>Unlock the locked layers.</source>
        <translation>请解锁已锁定的层。</translation>
    </message>
    <message>
        <source>Allow more block kinds.</source>
        <translation>请允许更多替换类型。</translation>
    </message>
    <message>
        <source>Unlock the locked layers and allow more block kinds.</source>
        <translation>请解锁已锁定的层，并允许更多替换类型。</translation>
    </message>
    <message>
        <source>Begin with a smaller base model: {base}.</source>
        <translation>请从更小的基础模型开始：{base}。</translation>
    </message>
    <message>
        <source>Set a milder target.</source>
        <translation>请放宽目标。</translation>
    </message>
    <message>
        <source>{first} or {last}</source>
        <translation>{first} 或 {last}</translation>
    </message>
    <message>
        <source>No answer was found in {seconds} seconds.</source>
        <translation>{seconds} 秒内没有找到答案。</translation>
    </message>
    <message>
        <source>Lock some layers or allow fewer kinds, and try again.</source>
        <translation>请锁定一些层，或减少允许的类型，然后重试。</translation>
    </message>
    <message>
        <source>The convolutions at both ends were taken over where they have the same shape; what stands inside is new.</source>
        <translation>两端形状相同的卷积直接沿用，其内部是新的。</translation>
    </message>
    <message>
        <source>Filters and pointwise weights were fitted in turn to what the standard layer makes of the pictures.</source>
        <translation>深度卷积核和逐点权重交替拟合标准层对图片的计算结果。</translation>
    </message>
    <message>
        <source>Each kernel was split into the filters and pointwise weights that are nearest to it.</source>
        <translation>每个卷积核分解为与其最接近的深度卷积核和逐点权重。</translation>
    </message>
    <message>
        <source>The weights inside the groups were fitted to what the standard layer makes of the pictures; what crosses the groups is lost.</source>
        <translation>组内权重按标准层对图片的计算结果拟合，跨组的部分丢失。</translation>
    </message>
    <message>
        <source>The part of each kernel inside the groups was taken over; what crosses the groups is lost.</source>
        <translation>沿用每个卷积核的组内部分，跨组的部分丢失。</translation>
    </message>
    <message>
        <source>Half of the channels keep their standard kernel, adapted to the pictures; the 5×5 filters that make the other half from them were fitted.</source>
        <translation>一半通道保留标准卷积核，并按图片调整；由其生成另一半的 5×5 卷积核经过拟合。</translation>
    </message>
    <message>
        <source>Half of the channels keep their standard kernel; the filters that make the other half are random.</source>
        <translation>一半通道保留标准卷积核，生成另一半的卷积核为随机初始化。</translation>
    </message>
    <message>
        <source>Its convolutions were fitted one after the other to what the standard module has in their place, the last one to the whole output.</source>
        <translation>其中的卷积依次按标准模块相应位置的结果拟合，最后一个按整个输出拟合。</translation>
    </message>
    <message>
        <source>Each output channel got the pointwise row and the filter nearest to its kernel; the filters were then fitted to the standard output.</source>
        <translation>每个输出通道取与其卷积核最接近的逐点权重和深度卷积核，深度卷积核再按标准输出拟合。</translation>
    </message>
    <message>
        <source>Filters and last pointwise convolutions were fitted together to the standard output; channels that pass by stay what they are.</source>
        <translation>深度卷积核与最后的逐点卷积一起拟合标准模块的输出；直接通过的通道保持不变。</translation>
    </message>
    <message>
        <source>Filters and projection were fitted together to what the standard module adds to the shortcut, or makes where there is none; all channels are weighed alike.</source>
        <translation>深度卷积核与投影卷积一起拟合标准模块加到捷径上的部分，没有捷径时拟合其输出；所有通道的权重相同。</translation>
    </message>
    <message>
        <source>Up to P3 the first convolution was fitted to the leading directions of what is to be made or added to the shortcut, from P4 on the filters were; then the projection.</source>
        <translation>到 P3 为止，第一个卷积拟合目标输出（或加到捷径上的部分）的主方向；从 P4 起，由深度卷积核来拟合；最后拟合投影卷积。</translation>
    </message>
    <message>
        <source>Filters and pointwise convolution were fitted together to the standard output; all channels are weighed alike.</source>
        <translation>深度卷积核与逐点卷积一起拟合标准模块的输出；所有通道的权重相同。</translation>
    </message>
    <message>
        <source>Its convolutions were fitted one after the other to what the standard module has in their place.</source>
        <translation>其中的卷积依次拟合标准模块在相应位置的结果。</translation>
    </message>
    <message>
        <source>It took those inner channels of the standard module that weigh most; its convolutions were fitted to them, the last one to the whole output.</source>
        <translation>取标准模块中权重最大的内部通道，其卷积按这些通道拟合，最后一个按整个输出拟合。</translation>
    </message>
    <message>
        <source>Exact: both branches together are the standard kernel.</source>
        <translation>精确：两个分支合起来就是标准卷积核。</translation>
    </message>
    <message>
        <source>The grouped kernel was fitted to what the standard layer makes of the pictures and shared between both branches.</source>
        <translation>分组卷积核按标准层对图片的计算结果拟合，再分配给两个分支。</translation>
    </message>
    <message>
        <source>The part of each kernel inside the groups was taken over and shared between both branches.</source>
        <translation>沿用每个卷积核的组内部分，再分配给两个分支。</translation>
    </message>
    <message>
        <source>Taken over as it was.</source>
        <translation>原样沿用。</translation>
    </message>
    <message>
        <source>Made from the standard weights without looking at pictures.</source>
        <translation>由标准权重得到，没有看图片。</translation>
    </message>
    <message>
        <source>Fitted to what the standard module makes of the pictures.</source>
        <translation>按标准模块对图片的计算结果拟合。</translation>
    </message>
    <message>
        <source>Its last BatchNorm is zero: the block passes its input on until it is trained.</source>
        <translation>最后的 BatchNorm 为零：训练之前，此块直接传递输入。</translation>
    </message>
    <message>
        <source>Nothing of the standard module fits into it: its weights are random.</source>
        <translation>标准模块中没有可装入的权重：随机初始化。</translation>
    </message>
    <message>
        <source>{path} has no form “{form}”.</source>
        <translation>{path} 没有形式“{form}”。</translation>
    </message>
    <message>
        <source>Preparing the detectors</source>
        <translation>正在准备检测器</translation>
    </message>
    <message>
        <source>Waiting until nothing trains or compares</source>
        <translation>等待训练和对比结束</translation>
    </message>
    <message>
        <source>Timing both models in turn</source>
        <translation>正在交替测量两个模型</translation>
    </message>
    <message>
        <source>Looking inside the models</source>
        <translation>正在查看模型内部</translation>
    </message>
    <message>
        <source>The measurement was cancelled.</source>
        <translation>测量已取消。</translation>
    </message>
    <message>
        <source>Layers are not measured in INT8: it fuses them across modules.</source>
        <translation>INT8 不能逐层测量：它会跨模块融合各层。</translation>
    </message>
    <message>
        <source>Choose another precision.</source>
        <translation>请选择其他精度。</translation>
    </message>
    <message>
        <source>{value} threads or pictures per call are not possible.</source>
        <translation>线程数或每次的图片数不能是 {value}。</translation>
    </message>
    <message>
        <source>Choose a number from 1 to {most}.</source>
        <translation>请选择 1 到 {most} 之间的数。</translation>
    </message>
    <message>
        <source>Building the models</source>
        <translation>正在构建模型</translation>
    </message>
    <message>
        <source>INT8 can be measured on OpenVINO only.</source>
        <translation>INT8 只能在 OpenVINO 上测量。</translation>
    </message>
    <message>
        <source>Choose the runtime openvino, or another precision.</source>
        <translation>请选择推理后端 openvino，或其他精度。</translation>
    </message>
    <message>
        <source>INT8 needs the package NNCF, which is not installed.</source>
        <translation>INT8 需要软件包 NNCF，目前未安装。</translation>
    </message>
    <message>
        <source>Install it with: pip install nncf. Or choose another precision.</source>
        <translation>可用 pip install nncf 安装，或选择其他精度。</translation>
    </message>
    <message>
        <source>The roofline cannot be measured in {precision}.</source>
        <translation>无法以 {precision} 测量屋顶线 (Roofline)。</translation>
    </message>
    <message>
        <source>Choose f32, bf16 or f16.</source>
        <translation>请选择 f32、bf16 或 f16。</translation>
    </message>
    <message>
        <source>The machine is busy: figures measured now would not hold.</source>
        <translation>电脑正忙：现在测得的数值不可靠。</translation>
    </message>
    <message>
        <source>End other programs, or measure later; what is done is kept.</source>
        <translation>请结束其他程序，或稍后再测；已完成的部分会保留。</translation>
    </message>
    <message>
        <source>Check the arguments of its rows.</source>
        <translation>请检查各行的参数。</translation>
    </message>
    <message>
        <source>{name} cannot be built: {reason}.</source>
        <translation>{name} 无法构建：{reason}。</translation>
    </message>
    <message>
        <source>{name}, line {line}: this {module} cannot be built: {reason}.</source>
        <translation>{name} 第 {line} 行：此 {module} 无法构建：{reason}。</translation>
    </message>
    <message>
        <source>Choose a data set with a train split.</source>
        <translation>请选择有训练集的数据集。</translation>
    </message>
    <message>
        <source>{name} holds a lightweight model already.</source>
        <translation>{name} 已是轻量模型。</translation>
    </message>
    <message>
        <source>Choose the weights of the standard model.</source>
        <translation>请选择标准模型的权重。</translation>
    </message>
    <message>
        <source>{name} has no YOLOv5u head: it cannot say which errors matter.</source>
        <translation>{name} 没有 YOLOv5u 检测头，无法判断哪些误差要紧。</translation>
    </message>
    <message>
        <source>Train with it as the starting weights first, then take the result.</source>
        <translation>请先以它为初始权重训练，再使用所得结果。</translation>
    </message>
    <message>
        <source>Measuring what each swap risks</source>
        <translation>正在测量各处替换的风险</translation>
    </message>
    <message>
        <source>The design has {classes} classes, the weights have {count}.</source>
        <translation>方案有 {classes} 个类别，权重有 {count} 个。</translation>
    </message>
    <message>
        <source>Leave the number of classes to the data, or choose other weights.</source>
        <translation>请让类别数取自数据，或选择其他权重。</translation>
    </message>
    <message>
        <source>{name} is a {found}, not a {base}.</source>
        <translation>{name} 是 {found}，不是 {base}。</translation>
    </message>
    <message>
        <source>Choose the weights of a standard {base}.</source>
        <translation>请选择标准 {base} 的权重。</translation>
    </message>
    <message>
        <source>This was cancelled.</source>
        <translation>已取消。</translation>
    </message>
    <message>
        <source>What was found so far is kept; the next time it goes on from there.</source>
        <translation>已得到的结果会保留，下次从此处继续。</translation>
    </message>
    <message>
        <source>TensorRT is not installed.</source>
        <translation>未安装 TensorRT。</translation>
    </message>
    <message>
        <source>Install it with: pip install tensorrt. On a Jetson, JetPack brings it.</source>
        <translation>可用 pip install tensorrt 安装。在 Jetson 上由 JetPack 提供。</translation>
    </message>
    <message>
        <source>TensorRT needs an NVIDIA GPU that PyTorch can use; “{device}” is none.</source>
        <translation>TensorRT 需要 PyTorch 可用的 NVIDIA GPU，而“{device}”不是。</translation>
    </message>
    <message>
        <source>Choose the device cuda, or another runtime.</source>
        <translation>请选择设备 cuda，或其他推理后端。</translation>
    </message>
    <message>
        <source>TensorRT computes in f32 or f16 here, not {precision}.</source>
        <translation>本机的 TensorRT 以 f32 或 f16 计算，不支持 {precision}。</translation>
    </message>
    <message>
        <source>TensorRT cannot read the model: {reason}.</source>
        <translation>TensorRT 无法读取模型：{reason}。</translation>
    </message>
    <message>
        <source>Choose another runtime.</source>
        <translation>请选择其他推理后端。</translation>
    </message>
    <message>
        <source>TensorRT could not build the model.</source>
        <translation>TensorRT 无法构建模型。</translation>
    </message>
    <message>
        <source>Close other programs that use the GPU, or choose another runtime.</source>
        <translation>请关闭占用 GPU 的其他程序，或选择其他推理后端。</translation>
    </message>
    <message>
        <source>{name} has {count} million parameters: too many to train here.</source>
        <translation>{name} 有 {count} 百万个参数，在此训练过多。</translation>
    </message>
    <message>
        <source>Lower its width.</source>
        <translation>请减小其宽度。</translation>
    </message>
    <message>
        <source>Choose strides and paddings as the stock models have them.</source>
        <translation>请采用与原版模型相同的步长和填充。</translation>
    </message>
    <message>
        <source>{name} has layers whose size does not grow with the picture.</source>
        <translation>{name} 中有的层不随图片尺寸变化。</translation>
    </message>
    <message>
        <source>{name}, line {line}: the size of what this {module} makes does not grow with the picture.</source>
        <translation>{name} 第 {line} 行：此 {module} 的输出不随图片尺寸变化。</translation>
    </message>
    <message>
        <source>{name}, line {line}: this {module} makes {size} of one picture of {side} × {side}.</source>
        <translation>{name} 第 {line} 行：一张 {side} × {side} 的图片经此 {module} 得到 {size} 数据。</translation>
    </message>
    <message>
        <source>Lower its width, or its place&apos;s resolution by strides before it.</source>
        <translation>请减小其宽度，或在它之前用步长降低分辨率。</translation>
    </message>
    <message>
        <source>The weights of {path} do not fit the model YAML.</source>
        <translation>{path} 的权重与模型 YAML 不符。</translation>
    </message>
    <message>
        <source>Use the checkpoint of a training of this very design.</source>
        <translation>请使用正是此方案训练所得的检查点。</translation>
    </message>
    <message>
        <source>The model of the YAML gives other outputs than {name}: {difference}.</source>
        <translation>YAML 的模型与 {name} 的输出不同：{difference}。</translation>
    </message>
    <message>
        <source>Use the checkpoint itself; please report this.</source>
        <translation>请直接使用该检查点，并反馈此问题。</translation>
    </message>
    <message>
        <source>The YAML leaves swaps out: there is no place for their weights.</source>
        <translation>YAML 略去了一些替换，其权重无处存放。</translation>
    </message>
    <message>
        <source>Write it without --partial, or without the weights.</source>
        <translation>请不用 --partial，或不带权重写出。</translation>
    </message>
    <message>
        <source>The YOLOv5 repository has another detection head than these weights.</source>
        <translation>YOLOv5 仓库的检测头与这些权重不同。</translation>
    </message>
    <message>
        <source>Carry weights over for ultralytics only.</source>
        <translation>只有 ultralytics 格式可以迁移权重。</translation>
    </message>
    <message>
        <source>{name} is a model of another design.</source>
        <translation>{name} 是另一个方案的模型。</translation>
    </message>
    <message>
        <source>Use weights of this design, with as many classes.</source>
        <translation>请使用此方案的、类别数相同的权重。</translation>
    </message>
    <message>
        <source>It is the twin of a branch beside it and is replaced along with that one.</source>
        <translation>它与旁边的分支成对，随其一起替换。</translation>
    </message>
    <message>
        <source>Locked layers and allowed kinds are not remembered: {path}: {reason}.</source>
        <translation>无法记住锁定的层和允许的类型：{path}：{reason}。</translation>
    </message>
    <message>
        <source>Conversion of a finished standard run</source>
        <translation>转换已完成的标准模型训练</translation>
    </message>
    <message>
        <source>New layers start as the best copy of the trained standard layers on your training pictures.</source>
        <translation>新层从训练好的标准层出发：在您的训练图片上尽可能重现其计算结果。</translation>
    </message>
    <message>
        <source>Rank 2 to 4</source>
        <translation>秩 2 到 4</translation>
    </message>
    <message>
        <source>Several depthwise filters per channel keep more of the standard layer, for more operations.</source>
        <translation>每个通道使用多个深度滤波器，以更多运算量保留标准层的更多内容。</translation>
    </message>
    <message>
        <source>Plain pictures</source>
        <translation>原样图片</translation>
    </message>
    <message>
        <source>A training of at most 20 epochs takes small steps and sees pictures as they are, without mosaics or changed sizes and colours.</source>
        <translation>不超过 20 轮的训练采用小步长，并使用原样图片：不做马赛克拼接，也不改变尺寸和颜色。</translation>
    </message>
    <message>
        <source>Distillation</source>
        <translation>蒸馏</translation>
    </message>
    <message>
        <source>The trained standard model shows what it predicts, and the new one learns that beside the labels.</source>
        <translation>训练好的标准模型给出自己的预测，新模型除标签外也向它学习。</translation>
    </message>
    <message>
        <source>No weight decay on depthwise filters</source>
        <translation>深度滤波器不做权重衰减</translation>
    </message>
    <message>
        <source>The few weights of depthwise filters are not drawn towards zero, as others are.</source>
        <translation>深度滤波器的权重很少，不像其他权重那样被拉向零。</translation>
    </message>
    <message>
        <source>BatchNorm recalibration</source>
        <translation>重新校准 BatchNorm</translation>
    </message>
    <message>
        <source>After the training the statistics of every BatchNorm are measured anew on the training pictures, and kept where the validation pictures agree.</source>
        <translation>训练结束后，在训练图片上重新测量每个 BatchNorm 的统计量；验证图片认可时才保留。</translation>
    </message>
    <message>
        <source>In two stages</source>
        <translation>分两个阶段</translation>
    </message>
    <message>
        <source>The deep half of the layers is converted and trained first, the rest is converted then.</source>
        <translation>先转换并训练较深的一半层，再转换其余层。</translation>
    </message>
    <message>
        <source>Training for INT8</source>
        <translation>为 INT8 训练</translation>
    </message>
    <message>
        <source>The training sees weights and activations rounded to 8 bits, so that an INT8 export loses less; it needs the package nvidia-modelopt and takes longer.</source>
        <translation>训练时权重和激活都舍入到 8 位，INT8 导出因此损失更少；需要 nvidia-modelopt 软件包，耗时更长。</translation>
    </message>
    <message>
        <source>There is no way “{name}” to recover accuracy.</source>
        <translation>没有名为“{name}”的精度恢复方法。</translation>
    </message>
    <message>
        <source>Write auto, off, or some of {choices}, with commas between.</source>
        <translation>请写 auto、off，或 {choices} 中的若干项，用逗号分隔。</translation>
    </message>
    <message>
        <source>The queue {path} cannot be written: {reason}.</source>
        <translation>无法写入队列 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Free some space, or choose another workspace.</source>
        <translation>请腾出一些空间，或选择其他工作区。</translation>
    </message>
    <message>
        <source>The queue {path} is in use by another process.</source>
        <translation>队列 {path} 正被另一个进程使用。</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>请稍后再试。</translation>
    </message>
    <message>
        <source>Mosaic</source>
        <translation>马赛克拼接</translation>
    </message>
    <message>
        <source>Share of pictures that are put together from four.</source>
        <translation>由四张图片拼成的图片所占比例。</translation>
    </message>
    <message>
        <source>Epochs without mosaic</source>
        <translation>不用马赛克的轮数</translation>
    </message>
    <message>
        <source>So many epochs at the end see whole pictures; 0 keeps mosaics to the end.</source>
        <translation>最后这么多轮使用完整图片；0 表示始终使用马赛克拼接。</translation>
    </message>
    <message>
        <source>MixUp</source>
        <translation>MixUp</translation>
    </message>
    <message>
        <source>Share of pictures laid over another one.</source>
        <translation>与另一张图片叠加的图片所占比例。</translation>
    </message>
    <message>
        <source>CutMix</source>
        <translation>CutMix</translation>
    </message>
    <message>
        <source>Share of pictures with a piece of another one in them.</source>
        <translation>嵌入另一张图片局部的图片所占比例。</translation>
    </message>
    <message>
        <source>Size, ±</source>
        <translation>大小，±</translation>
    </message>
    <message>
        <source>Pictures are made larger or smaller by up to this share.</source>
        <translation>图片放大或缩小的最大比例。</translation>
    </message>
    <message>
        <source>Shift, ±</source>
        <translation>平移，±</translation>
    </message>
    <message>
        <source>Pictures are moved by up to this share of their size.</source>
        <translation>图片平移的最大距离占其边长的比例。</translation>
    </message>
    <message>
        <source>Rotation, ±°</source>
        <translation>旋转，±°</translation>
    </message>
    <message>
        <source>Pictures are turned by up to so many degrees.</source>
        <translation>图片旋转的最大角度。</translation>
    </message>
    <message>
        <source>Shear, ±°</source>
        <translation>错切，±°</translation>
    </message>
    <message>
        <source>Pictures are slanted by up to so many degrees.</source>
        <translation>图片倾斜的最大角度。</translation>
    </message>
    <message>
        <source>Perspective</source>
        <translation>透视</translation>
    </message>
    <message>
        <source>Strength of a change of perspective; 0.001 is much.</source>
        <translation>透视变换的强度；0.001 已很强。</translation>
    </message>
    <message>
        <source>Mirrored sideways</source>
        <translation>左右镜像</translation>
    </message>
    <message>
        <source>Share of pictures that are mirrored from left to right.</source>
        <translation>左右镜像的图片所占比例。</translation>
    </message>
    <message>
        <source>Upside down</source>
        <translation>上下翻转</translation>
    </message>
    <message>
        <source>Share of pictures that are turned upside down.</source>
        <translation>上下翻转的图片所占比例。</translation>
    </message>
    <message>
        <source>Hue, ±</source>
        <translation>色相，±</translation>
    </message>
    <message>
        <source>Hue is changed by up to this share.</source>
        <translation>色相变化的最大比例。</translation>
    </message>
    <message>
        <source>Saturation, ±</source>
        <translation>饱和度，±</translation>
    </message>
    <message>
        <source>Saturation is changed by up to this share.</source>
        <translation>饱和度变化的最大比例。</translation>
    </message>
    <message>
        <source>Brightness, ±</source>
        <translation>亮度，±</translation>
    </message>
    <message>
        <source>Brightness is changed by up to this share.</source>
        <translation>亮度变化的最大比例。</translation>
    </message>
    <message>
        <source>Size by batch, ±</source>
        <translation>逐批变尺寸，±</translation>
    </message>
    <message>
        <source>Every batch has another size, up to this share away from the chosen one.</source>
        <translation>每个批次的图片尺寸不同，与所选尺寸相差不超过这个比例。</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>Automatic chooses optimizer and learning rate by the number of steps.</source>
        <translation>“自动”按步数选择优化器和学习率。</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>Where it starts; the automatic optimizer ignores it.</source>
        <translation>初始学习率；自动选择优化器时不起作用。</translation>
    </message>
    <message>
        <source>Final share of it</source>
        <translation>最终比例</translation>
    </message>
    <message>
        <source>The last epoch&apos;s learning rate as a share of the first.</source>
        <translation>最后一轮的学习率占初始学习率的比例。</translation>
    </message>
    <message>
        <source>Momentum</source>
        <translation>动量</translation>
    </message>
    <message>
        <source>Momentum of SGD, or the first beta of Adam and its kin.</source>
        <translation>SGD 的动量，或 Adam 类优化器的第一个 β。</translation>
    </message>
    <message>
        <source>Weight decay</source>
        <translation>权重衰减</translation>
    </message>
    <message>
        <source>Draws weights towards zero, biases and BatchNorm left out.</source>
        <translation>使权重趋向零，偏置和 BatchNorm 除外。</translation>
    </message>
    <message>
        <source>Pictures per step</source>
        <translation>每步图片数</translation>
    </message>
    <message>
        <source>Gradients of smaller batches are gathered up to so many pictures.</source>
        <translation>批次较小时，梯度累积到这么多张图片才更新一次。</translation>
    </message>
    <message>
        <source>Cosine schedule</source>
        <translation>余弦调度</translation>
    </message>
    <message>
        <source>The learning rate falls along a cosine, not along a line.</source>
        <translation>学习率按余弦曲线下降，而不是按直线。</translation>
    </message>
    <message>
        <source>Warm-up, epochs</source>
        <translation>预热，轮</translation>
    </message>
    <message>
        <source>The learning rate rises during these epochs.</source>
        <translation>在这些轮次中学习率逐渐上升。</translation>
    </message>
    <message>
        <source>Warm-up momentum</source>
        <translation>预热动量</translation>
    </message>
    <message>
        <source>Momentum at the start of the warm-up.</source>
        <translation>预热开始时的动量。</translation>
    </message>
    <message>
        <source>Warm-up, biases</source>
        <translation>预热，偏置</translation>
    </message>
    <message>
        <source>Learning rate of biases at the start of the warm-up.</source>
        <translation>预热开始时偏置的学习率。</translation>
    </message>
    <message>
        <source>Patience, epochs</source>
        <translation>早停轮数</translation>
    </message>
    <message>
        <source>Training ends after so many epochs without a better result.</source>
        <translation>连续这么多轮没有更好的结果时，训练结束。</translation>
    </message>
    <message>
        <source>Frozen layers</source>
        <translation>冻结层数</translation>
    </message>
    <message>
        <source>The first layers of the model, so many, keep their weights.</source>
        <translation>模型最前面的这么多层保持权重不变。</translation>
    </message>
    <message>
        <source>Box loss</source>
        <translation>边框损失</translation>
    </message>
    <message>
        <source>Weight of how well boxes overlap.</source>
        <translation>边框重叠程度的权重。</translation>
    </message>
    <message>
        <source>Class loss</source>
        <translation>分类损失</translation>
    </message>
    <message>
        <source>Weight of naming the right class.</source>
        <translation>类别判断正确与否的权重。</translation>
    </message>
    <message>
        <source>Edge loss</source>
        <translation>边缘损失</translation>
    </message>
    <message>
        <source>Weight of the distribution of each edge&apos;s place.</source>
        <translation>各边位置分布的权重。</translation>
    </message>
    <message>
        <source>Class weights</source>
        <translation>类别权重</translation>
    </message>
    <message>
        <source>Rare classes weigh more: 0 all alike, 1 in inverse proportion to how often they occur.</source>
        <translation>少见的类别权重更大：0 表示各类相同，1 表示与出现频率成反比。</translation>
    </message>
    <message>
        <source>Decoded pictures</source>
        <translation>解码后的图片</translation>
    </message>
    <message>
        <source>Automatic keeps them in memory where they easily fit.</source>
        <translation>内存足够宽裕时，“自动”会把它们保留在内存中。</translation>
    </message>
    <message>
        <source>Mixed precision</source>
        <translation>混合精度</translation>
    </message>
    <message>
        <source>Half precision where a GPU is faster with it; on a CPU it changes nothing.</source>
        <translation>在 GPU 上能加速之处使用半精度；在 CPU 上没有影响。</translation>
    </message>
    <message>
        <source>Compile</source>
        <translation>编译</translation>
    </message>
    <message>
        <source>Takes minutes at the start and makes each step faster; where it fails training goes on without.</source>
        <translation>开始时需要几分钟，之后每步更快；编译失败时训练照常进行。</translation>
    </message>
    <message>
        <source>Repeatable</source>
        <translation>可重复</translation>
    </message>
    <message>
        <source>The same seed gives the same weights; off, a GPU may be faster.</source>
        <translation>相同的随机种子得到相同的权重；关闭后 GPU 可能更快。</translation>
    </message>
    <message>
        <source>The copy {folder} cannot be written: {why}.</source>
        <translation>无法写入副本 {folder}：{why}。</translation>
    </message>
    <message>
        <source>The copy must not lie inside the data set: {folder}.</source>
        <translation>副本不能放在数据集内部：{folder}。</translation>
    </message>
    <message>
        <source>Choose a folder elsewhere.</source>
        <translation>请选择别处的文件夹。</translation>
    </message>
    <message>
        <source>There is something in {folder} already.</source>
        <translation>{folder} 中已有内容。</translation>
    </message>
    <message>
        <source>Choose a new or an empty folder.</source>
        <translation>请选择新的或空的文件夹。</translation>
    </message>
    <message>
        <source>{file}: nothing would be left to train on.</source>
        <translation>{file}：将没有可用于训练的内容。</translation>
    </message>
    <message>
        <source>See the findings for what is wrong.</source>
        <translation>问题见检查结果。</translation>
    </message>
    <message>
        <source>{file} is no COCO data set: it lacks pictures, boxes or categories.</source>
        <translation>{file} 不是 COCO 数据集：缺少图片、框或类别。</translation>
    </message>
    <message>
        <source>Do not use it, or ask whoever made it for a plain archive.</source>
        <translation>请不要使用它，或向制作者索取普通的压缩包。</translation>
    </message>
    <message>
        <source>The archive {file} is broken: {why}.</source>
        <translation>压缩包 {file} 已损坏：{why}。</translation>
    </message>
    <message>
        <source>Fetch it again, or unpack it yourself and open the folder.</source>
        <translation>请重新获取，或自行解压后打开文件夹。</translation>
    </message>
    <message>
        <source>The archive {file} cannot be unpacked: {why}.</source>
        <translation>压缩包 {file} 无法解压：{why}。</translation>
    </message>
    <message>
        <source>Check the disk&apos;s free space, or unpack it yourself and open the folder.</source>
        <translation>请检查磁盘剩余空间，或自行解压后打开文件夹。</translation>
    </message>
    <message>
        <source>it holds more than 2 000 000 files</source>
        <translation>其中文件超过 2 000 000 个</translation>
    </message>
    <message>
        <source>it is encrypted</source>
        <translation>它已加密</translation>
    </message>
    <message>
        <source>“{name}” would grow beyond all measure</source>
        <translation>“{name}”解压后会大得离谱</translation>
    </message>
    <message>
        <source>it holds “{name}” twice</source>
        <translation>其中“{name}”出现两次</translation>
    </message>
    <message>
        <source>The archive {file} holds {size}, more than there is room for.</source>
        <translation>压缩包 {file} 含 {size}，超出可用空间。</translation>
    </message>
    <message>
        <source>Free some space, or unpack it yourself and open the folder.</source>
        <translation>请腾出空间，或自行解压后打开文件夹。</translation>
    </message>
    <message>
        <source>“{name}” would lie outside its folder</source>
        <translation>“{name}”会落在文件夹之外</translation>
    </message>
    <message>
        <source>the name “{name}” holds control characters</source>
        <translation>名称“{name}”含有控制字符</translation>
    </message>
    <message>
        <source>“{name}” is a link or a device</source>
        <translation>“{name}”是链接或设备</translation>
    </message>
    <message>
        <source>The archive {file} is refused: {why}.</source>
        <translation>拒绝打开压缩包 {file}：{why}。</translation>
    </message>
    <message>
        <source>“{name}” is larger than it claims</source>
        <translation>“{name}”比声明的更大</translation>
    </message>
    <message>
        <source>{name} cannot teach this model: its predictions are of another form.</source>
        <translation>{name} 不能指导此模型：两者的预测形式不同。</translation>
    </message>
    <message>
        <source>Take a detector of the same family and classes as the teacher.</source>
        <translation>请选择同一系列、类别相同的检测器作为教师模型。</translation>
    </message>
    <message>
        <source>BatchNorm statistics measured anew: mAP50-95 {after} on the validation pictures, {before} before.</source>
        <translation>已重新测量 BatchNorm 统计量：验证图片上 mAP50-95 为 {after}，此前为 {before}。</translation>
    </message>
    <message>
        <source>BatchNorm statistics stay as they were: measured anew they give mAP50-95 {after} instead of {before}.</source>
        <translation>BatchNorm 统计量保持不变：重新测量后 mAP50-95 为 {after}，而非 {before}。</translation>
    </message>
    <message>
        <source>The estimate&apos;s process ended (status {status}).</source>
        <translation>估算进程已结束（状态 {status}）。</translation>
    </message>
    <message>
        <source>Most often memory was short: take a smaller batch.</source>
        <translation>通常是内存不足：请使用较小的批大小。</translation>
    </message>
    <message>
        <source>A batch of {batch} needs {needed} of memory; {free} are free.</source>
        <translation>批大小 {batch} 需要 {needed} 内存；可用 {free}。</translation>
    </message>
    <message>
        <source>Take a batch of {largest} at most, or smaller pictures.</source>
        <translation>批大小请最多设为 {largest}，或使用较小的图片。</translation>
    </message>
    <message>
        <source>Take smaller pictures or a smaller base model.</source>
        <translation>请使用较小的图片或较小的基础模型。</translation>
    </message>
    <message>
        <source>The run needs {needed} of disk space; {free} are free.</source>
        <translation>该训练需要 {needed} 磁盘空间；可用 {free}。</translation>
    </message>
    <message>
        <source>The training will take about {time}.</source>
        <translation>训练大约需要 {time}。</translation>
    </message>
    <message>
        <source>Smaller pictures, fewer epochs or a GPU shorten it.</source>
        <translation>较小的图片、较少的轮数或 GPU 可以缩短时间。</translation>
    </message>
    <message>
        <source>Pictures and card of this run cannot be written: {reason}. The training goes on.</source>
        <translation>无法写入该训练的图片和模型卡：{reason}。训练继续进行。</translation>
    </message>
    <message>
        <source>Measuring a few steps.</source>
        <translation>正在测量若干步。</translation>
    </message>
    <message>
        <source>{path} is no run folder.</source>
        <translation>{path} 不是训练文件夹。</translation>
    </message>
    <message>
        <source>See the runs with: runs list.</source>
        <translation>可用 runs list 查看训练记录。</translation>
    </message>
    <message>
        <source>{count} models cannot be put on one bench.</source>
        <translation>一次基准测试不能包含 {count} 个模型。</translation>
    </message>
    <message>
        <source>Choose 1 to {most}.</source>
        <translation>请选择 1 到 {most} 个。</translation>
    </message>
    <message>
        <source>Nothing has been compared yet.</source>
        <translation>尚未进行任何对比。</translation>
    </message>
    <message>
        <source>Press Play first.</source>
        <translation>请先按“播放”。</translation>
    </message>
    <message>
        <source>Recording cannot begin: {reason}.</source>
        <translation>无法开始录制：{reason}。</translation>
    </message>
    <message>
        <source>Close other programs, or free some space, and try again.</source>
        <translation>请关闭其他程序或腾出空间，然后重试。</translation>
    </message>
    <message>
        <source>{path} cannot be written: there is no such folder, or it is one.</source>
        <translation>无法写入 {path}：文件夹不存在，或它本身是文件夹。</translation>
    </message>
    <message>
        <source>Name a file in a folder that exists.</source>
        <translation>请指定已有文件夹中的文件。</translation>
    </message>
    <message>
        <source>The report {path} cannot be written: {reason}.</source>
        <translation>无法写入报告 {path}：{reason}。</translation>
    </message>
    <message>
        <source>The process that writes the report has ended (status {status}).</source>
        <translation>写报告的进程已结束（状态 {status}）。</translation>
    </message>
    <message>
        <source>Write it once more.</source>
        <translation>请再写一次。</translation>
    </message>
    <message>
        <source>None of the training pictures for INT8 can be read.</source>
        <translation>用于 INT8 的训练图片都无法读取。</translation>
    </message>
    <message>
        <source>Check the data set of the run, or choose another precision.</source>
        <translation>请检查该训练的数据集，或选择其他精度。</translation>
    </message>
    <message>
        <source>{title} needs an NVIDIA GPU that PyTorch can use.</source>
        <translation>{title} 需要 PyTorch 可用的 NVIDIA GPU。</translation>
    </message>
    <message>
        <source>Export on the computer where the detector will run.</source>
        <translation>请在将要运行检测器的电脑上导出。</translation>
    </message>
    <message>
        <source>{title} needs packages that are not installed: {missing}.</source>
        <translation>{title} 需要尚未安装的软件包：{missing}。</translation>
    </message>
    <message>
        <source>They bring much along, so give them a Python of their own: python -m venv tools, then tools/bin/pip install {install}, then name tools/bin/python in {variable}.</source>
        <translation>它们会带来许多依赖，请为其单独准备一个 Python 环境：先运行 python -m venv tools，再运行 tools/bin/pip install {install}，然后在 {variable} 中填写 tools/bin/python。</translation>
    </message>
    <message>
        <source>Install them with: pip install {install}.</source>
        <translation>可用 pip install {install} 安装。</translation>
    </message>
    <message>
        <source>The converter in {python} failed: {reason}.</source>
        <translation>{python} 中的转换工具失败：{reason}。</translation>
    </message>
    <message>
        <source>Its log says more. Choose another format, or update its packages.</source>
        <translation>详见其日志。请选择其他格式，或更新其软件包。</translation>
    </message>
    <message>
        <source>INT8 is calibrated on training pictures, and {name} belongs to no run.</source>
        <translation>INT8 需用训练图片校准，而 {name} 不属于任何训练。</translation>
    </message>
    <message>
        <source>Choose a run of the Studio, or another precision.</source>
        <translation>请选择 Studio 的训练，或其他精度。</translation>
    </message>
    <message>
        <source>The process that records {name} has ended (status {status}).</source>
        <translation>录制 {name} 的进程已结束（状态 {status}）。</translation>
    </message>
    <message>
        <source>What it wrote until then can be played. Start recording again.</source>
        <translation>此前写入的内容可以播放。请重新开始录制。</translation>
    </message>
    <message>
        <source>There was no picture to record.</source>
        <translation>没有可录制的画面。</translation>
    </message>
    <message>
        <source>Play, then record.</source>
        <translation>请先播放，再录制。</translation>
    </message>
    <message>
        <source>The recording {path} cannot be written: {reason}.</source>
        <translation>无法写入录制文件 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Free some space, or choose another folder. What was written can be played.</source>
        <translation>请腾出空间，或选择其他文件夹。已写入的内容可以播放。</translation>
    </message>
    <message>
        <source>Recording needs the package PyAV, which cannot be used here: {reason}.</source>
        <translation>录制需要软件包 PyAV，但此处无法使用：{reason}。</translation>
    </message>
    <message>
        <source>Install it with: pip install av.</source>
        <translation>安装命令：pip install av。</translation>
    </message>
    <message>
        <source>This build of PyAV has no encoder for H.264, which browsers play.</source>
        <translation>此版本的 PyAV 没有浏览器可播放的 H.264 编码器。</translation>
    </message>
    <message>
        <source>Install the wheel from PyPI with: pip install --force-reinstall av.</source>
        <translation>从 PyPI 安装：pip install --force-reinstall av。</translation>
    </message>
    <message>
        <source>Export the detector anew, from the Studio or from ultralytics.</source>
        <translation>请用本软件或 ultralytics 重新导出该检测器。</translation>
    </message>
    <message>
        <source>Cannot read {path}: {reason}.</source>
        <translation>无法读取 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Choose an ONNX file or an OpenVINO folder that exists.</source>
        <translation>请选择存在的 ONNX 文件或 OpenVINO 文件夹。</translation>
    </message>
    <message>
        <source>{name} is larger than 2 GB.</source>
        <translation>{name} 大于 2 GB。</translation>
    </message>
    <message>
        <source>The folder {path} holds {count} OpenVINO models.</source>
        <translation>文件夹 {path} 中有 {count} 个 OpenVINO 模型。</translation>
    </message>
    <message>
        <source>Choose the .xml file itself.</source>
        <translation>请直接选择 .xml 文件。</translation>
    </message>
    <message>
        <source>{name} is no ONNX model.</source>
        <translation>{name} 不是 ONNX 模型。</translation>
    </message>
    <message>
        <source>{name} needs operations that are not part of ONNX: {domains}.</source>
        <translation>{name} 需要不属于 ONNX 的算子：{domains}。</translation>
    </message>
    <message>
        <source>{name} has not one input and one output.</source>
        <translation>{name} 不是一个输入、一个输出。</translation>
    </message>
    <message>
        <source>{name} does not take pictures in 32-bit floats.</source>
        <translation>{name} 的输入不是 32 位浮点图片。</translation>
    </message>
    <message>
        <source>{name} wants to read a file outside its folder: {location}.</source>
        <translation>{name} 要读取其文件夹之外的文件：{location}。</translation>
    </message>
    <message>
        <source>{name} is incomplete: there is no {location} beside it.</source>
        <translation>{name} 不完整：旁边没有 {location}。</translation>
    </message>
    <message>
        <source>{name} is no OpenVINO model.</source>
        <translation>{name} 不是 OpenVINO 模型。</translation>
    </message>
    <message>
        <source>{name} does not take one colour picture, 1×3×H×W.</source>
        <translation>{name} 的输入不是一张彩色图片（1×3×H×W）。</translation>
    </message>
    <message>
        <source>{name} does not predict boxes as YOLO detectors from v8 on do.</source>
        <translation>{name} 的输出框格式与 v8 及之后的 YOLO 检测器不同。</translation>
    </message>
    <message>
        <source>{name} predicts {count} classes, but names {named}.</source>
        <translation>{name} 预测 {count} 个类别，却给出 {named} 个名称。</translation>
    </message>
    <message>
        <source>Waiting until nothing else trains, compares or measures.</source>
        <translation>正在等待其他训练、对比或测量结束。</translation>
    </message>
</context>
</TS>

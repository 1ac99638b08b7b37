//! Each line of help, in English and Chinese. A test compares with the command line itself.

pub(super) const TEXTS: &[(&str, &str)] = &[
    ("Edge gateway for ground-source and geothermal plant rooms", "地源热泵与地热机房的边缘网关"),
    ("Start here:", "从这里开始："),
    ("Example:", "示例："),
    ("Examples:", "示例："),
    (
        "Language of what people read: en or zh; by default that of the environment",
        "显示语言：en 或 zh；默认按系统环境",
    ),
    ("Print help", "显示帮助"),
    ("Print version", "显示版本"),
    ("Print help (see a summary with '-h')", "显示帮助（`-h` 为简略说明）"),
    ("Print help (see more with '--help')", "显示帮助（`--help` 为详细说明）"),
    ("Print this message or the help of the given subcommand(s)", "显示本说明或某个命令的说明"),
    ("Print as JSON", "以 JSON 输出"),
    ("Print as JSON, once", "以 JSON 输出一次"),
    // run, check
    (
        "Runs the gateway until SIGTERM or Ctrl-C; SIGHUP reads the configuration again",
        "运行网关，直到 SIGTERM 或 Ctrl-C；SIGHUP 重新读取配置",
    ),
    ("The site file, or a folder of *.toml", "站点文件，或存放 *.toml 的文件夹"),
    (
        "For a simulated plant that lives faster: seconds of the plant in one real second, up to 60",
        "用于加速的模拟机房：现实一秒相当于机房的秒数，最多 60",
    ),
    (
        "With --speed: the plant's local time at the start, as in 2026-07-01T08:00",
        "与 --speed 同用：开始时机房的当地时间，如 2026-07-01T08:00",
    ),
    (
        "Run plugins that nobody signed, for development on a plant that can't be harmed",
        "运行未签名的插件，仅用于不会受损的机房上的开发",
    ),
    (
        "Checks a site file, a folder of them or a profile, and tells every mistake at once",
        "检查站点文件、其文件夹或设备模板，一次列出所有错误",
    ),
    ("Check a device profile by itself", "单独检查设备模板"),
    ("End with 2 on warnings too", "有警告时也以 2 退出"),
    ("Print the JSON Schema for editors instead", "改为输出供编辑器使用的 JSON Schema"),
    ("Ends with 0 if the site can run, 2 if not.", "站点可以运行时以 0 退出，否则以 2 退出。"),
    // watch, read, write, cache
    ("Shows every point, live: value, quality, age", "实时显示所有点位：数值、质量、数据龄"),
    (
        "Only devices or points whose name starts with this: `hp1` or `hp1/supply`",
        "只显示名称以此开头的设备或点位：`hp1` 或 `hp1/supply`",
    ),
    (
        "The site file of the running gateway, to find its data folder",
        "正在运行的网关的站点文件，用于找到其数据文件夹",
    ),
    ("The gateway's socket itself", "直接指定网关的套接字"),
    ("Print once and end", "显示一次后结束"),
    ("Prints the latest value of one point", "显示一个点位的最新数值"),
    ("The point: device/point", "点位：设备/点"),
    (
        "Writes a value to an output, through the same checks as any command",
        "写输出；与任何命令经过同样的检查",
    ),
    ("A number, true, false, or the name of a state", "数值、true、false 或状态名"),
    ("Give the slot back instead", "改为释放该优先级"),
    (
        "Priority: 1 is manual life safety, past every minimum time; 8 the operator; 16 the last",
        "优先级：1 为人身安全的手动操作，不受最短启停时间限制；8 为操作员；16 最低",
    ),
    ("How long it holds: 30s, 10min, 2h", "保持时间：30s、10min、2h"),
    ("Print the reply as JSON", "以 JSON 输出答复"),
    (
        "When the hold ends, what the next slot wants returns, or the safe value.",
        "保持结束后恢复下一优先级所要的值，否则回到安全值。",
    ),
    (
        "Shows what the offline cache holds, since when, and how long it will last",
        "显示离线缓存的内容、起始时间和还能缓存多久",
    ),
    // import
    (
        "Makes a device profile of a register map as vendors send it (CSV), and tells every line that it could not understand",
        "由厂家的寄存器表（CSV）生成设备模板，并列出每一行未能识别的内容",
    ),
    (
        "The map: CSV with commas, semicolons or tabs, in UTF-8, UTF-16, GBK or a named encoding",
        "寄存器表：以逗号、分号或制表符分隔的 CSV，UTF-8、UTF-16、GBK 或指定的编码",
    ),
    (
        "Which column is what, where the headers don't tell: address=Addr,name=Point,…",
        "表头不明时指定各列：address=Addr,name=Point,…",
    ),
    (
        "What plain decimal addresses count from; found out by default",
        "十进制地址从几起算；默认自动判断",
    ),
    ("The kind of register where a row names none", "未写明寄存器类别的行所用的类别"),
    (
        "The type where a row names none: i16, u32, f32, …",
        "未写明类型的行所用的类型：i16、u32、f32 等",
    ),
    (
        "The order of bytes where a row names none: abcd, cdab, badc or dcba",
        "未写明字节序的行所用的字节序：abcd、cdab、badc 或 dcba",
    ),
    ("The encoding of the file; found out by default", "文件的编码；默认自动判断"),
    ("What separates cells; found out by default", "单元格的分隔符；默认自动判断"),
    ("The profile's id; by default from the name of the map", "模板的标识；默认取自表的文件名"),
    ("The profile's title; by default its id", "模板的名称；默认为其标识"),
    ("Who makes the device", "设备厂家"),
    ("The folder that the profile is written into", "写入模板的文件夹"),
    ("Write over a profile that is there", "覆盖已有的模板"),
    (
        "Ends with 0 if every line was understood, 1 if not, 2 if nothing was written.",
        "每一行都识别时以 0 退出，否则为 1，未写出任何内容时为 2。",
    ),
    // scan
    (
        "Finds what is on a line, shows it, and makes a site file of it to edit. Never writes to a device",
        "查找线路上的设备并显示，可生成待编辑的站点文件；从不写设备",
    ),
    (
        "A scan asks for its port alone: stop the gateway that uses it.",
        "扫描须独占端口：请先停止使用该端口的网关。",
    ),
    (
        "Ends with 0 if something was found and all of it was understood, with 1 if nothing answered, something",
        "找到设备且全部识别时以 0 退出；无应答、有不明之处",
    ),
    (
        "stayed unclear or the port is in use, with 2 if the arguments are wrong.",
        "或端口被占用时为 1；参数有误时为 2。",
    ),
    (
        "Finds Modbus units and what they say they are, and probes registers if asked to",
        "查找 Modbus 单元及其标识，并按要求探测寄存器",
    ),
    ("A host, or a converter to a serial line: HOST:PORT", "主机或串口转换器：HOST:PORT"),
    (
        "A serial port, best by a stable name: /dev/serial/by-id/…",
        "串口，最好用固定名称：/dev/serial/by-id/…",
    ),
    (
        "Speed of the serial port: by default 9600 for Modbus, 2400 for meters",
        "串口波特率：Modbus 默认 9600，仪表默认 2400",
    ),
    ("Parity bit of the serial port", "串口校验位"),
    (
        "Longest wait for each answer; what nobody answers takes this long",
        "每次应答的最长等待时间；无应答时即等待这么久",
    ),
    ("Framing on TCP; a serial port has RTU", "TCP 上的帧格式；串口为 RTU"),
    ("Which units are asked for: 5 or 1-20", "查询哪些单元：5 或 1-20"),
    (
        "Look which registers answer: holding:0-99 or input:0-49; may be given several times",
        "探测哪些寄存器有应答：holding:0-99 或 input:0-49；可多次给出",
    ),
    ("Make a profile of what the probe found in one unit", "把在一个单元中探测到的内容生成模板"),
    (
        "Make a site file of it; a file that is there is never written over",
        "生成站点文件；从不覆盖已有文件",
    ),
    ("The broker in that site file", "该站点文件中的 MQTT 服务器"),
    (
        "Each unit is asked for one holding register, and for its identification. Some registers of some",
        "对每个单元读一个保持寄存器及其标识。有的设备的某些寄存器一读即",
    ),
    (
        "devices act when they are read, so a probe is for who stands at the device.",
        "产生动作，因此请在设备旁进行探测。",
    ),
    (
        "Finds BACnet/IP devices by Who-Is, and reads their objects with names, values and units",
        "用 Who-Is 查找 BACnet/IP 设备，并读取其对象的名称、数值和单位",
    ),
    ("Address and port of this machine", "本机的地址和端口"),
    (
        "The network's broadcast address, with a port if devices listen at another than ours",
        "网络的广播地址；设备端口与本机不同时请写明端口",
    ),
    (
        "Ask this address (and port) instead of the whole network; may be given several times",
        "只询问此地址（和端口），而非整个网络；可多次给出",
    ),
    (
        "A BBMD of another network, to register with as a foreign device",
        "另一网络的 BBMD，作为外部设备向其注册",
    ),
    ("Only devices of these instances: 12 or 1000-1999", "只查找这些实例号的设备：12 或 1000-1999"),
    ("How long answers are waited for", "等待应答的时间"),
    (
        "Many devices answer to all on port 47808: from another port than that, some are not heard.",
        "许多设备向 47808 端口广播应答：使用其他端口时，有的设备收不到。",
    ),
    ("Finds M-Bus meters and reads what they send", "查找 M-Bus 仪表并读取其数据"),
    ("Look by primary address instead: 5 or 1-250", "改按主地址查找：5 或 1-250"),
    (
        "Only among these secondary addresses; F stands for any digit",
        "只在这些二级地址中查找；F 代表任意数字",
    ),
    (
        "Meters are looked for by secondary address, which finds those that share a primary one; very old",
        "按二级地址查找，可找到主地址相同的仪表；很旧的",
    ),
    ("ones have only the latter.", "仪表只有主地址。"),
    (
        "Finds DL/T 645 electricity meters and reads their usual values",
        "查找 DL/T 645 电表并读取常用数值",
    ),
    (
        "Edition of the standard that is spoken; both, one after the other, if not given",
        "所用标准的版本；未给出时先后尝试两种",
    ),
    (
        "Finds the CJ/T 188 meter of a line, which must be the only one, and reads it",
        "查找线路上唯一的 CJ/T 188 仪表并读取",
    ),
    (
        "The standard has no search among several meters: their answers collide. Connect one at a time.",
        "该标准不能在多只仪表中查找：应答会相互冲突。请逐只连接。",
    ),
    (
        "Finds 1-Wire sensors, and the board's own by hwmon and IIO, and reads them",
        "查找 1-Wire 传感器及主板自带的 hwmon 和 IIO 传感器并读取",
    ),
    ("Root of the kernel's files", "内核文件的根目录"),
    (
        "A bus of 30 sensors takes a second where the kernel converts in parallel, half a minute where not.",
        "30 个传感器的总线，内核能同时转换时约需一秒，否则约半分钟。",
    ),
    (
        "Warm one sensor after the other by hand to see which hangs where.",
        "用手逐个捂热传感器，即可看出各自的位置。",
    ),
    // plugin
    ("Write, try, pack and install plugins", "编写、试用、打包和安装插件"),
    (
        "Starts a new plugin: a folder with a manifest, code and tests that work as they stand",
        "新建插件：含清单、代码和测试的文件夹，可直接运行",
    ),
    ("The plugin's name: a-z, 0-9 and `-`, a letter first", "插件名：a-z、0-9 和 `-`，以字母开头"),
    ("Where to put it; by default a folder of its name here", "存放位置；默认在此处建同名文件夹"),
    (
        "The folder of the SDK for Rust; by default the one that came with this program",
        "Rust SDK 的文件夹；默认为随本程序提供的",
    ),
    (
        "Builds the component that the gateway runs: build/NAME.wasm",
        "构建网关运行的组件：build/NAME.wasm",
    ),
    ("Runs the plugin's tests on this machine", "在本机运行插件的测试"),
    ("The plugin's folder", "插件的文件夹"),
    (
        "Makes a key to sign packages with: FILE, to keep, and FILE.pub, to give away",
        "生成签名用的密钥：FILE 自己保管，FILE.pub 可公开",
    ),
    ("Where to write the secret key; it must not exist", "私钥的写入位置；文件不得已存在"),
    (
        "Makes one signed file of manifest and component: build/NAME-VERSION.whp",
        "把清单和组件打成一个签名文件：build/NAME-VERSION.whp",
    ),
    (
        "The secret key to sign with, as `wellhead plugin key` made it",
        "签名用的私钥，由 `wellhead plugin key` 生成",
    ),
    ("Where to write the package", "包的写入位置"),
    (
        "Shows what a package or a built plugin is, who signed it, and whether a gateway would run it",
        "显示插件包或已构建插件的内容、签名者，以及网关能否运行它",
    ),
    ("A package file, or a plugin's folder", "包文件，或插件的文件夹"),
    (
        "The site file of the gateway that is to trust the signer; by default that of this box, if it is one",
        "应信任签名者的网关的站点文件；若本机是网关，默认为其站点文件",
    ),
    ("Installs a package that a trusted key signed", "安装由受信任密钥签名的包"),
    ("The package file", "包文件"),
    (
        "It runs where the site's [plugin.…] says so, from the next reload on.",
        "自下次重新加载起，在站点的 [plugin.…] 写明之处运行。",
    ),
    ("Lets the box run what a key signs", "允许本机运行由该密钥签名的插件"),
    ("The public key's file, NAME.pub", "公钥文件，NAME.pub"),
    (
        "Lists the plugins of the running gateway: how each is, and what it costs",
        "列出正在运行的网关的插件：各自的状态和开销",
    ),
    (
        "Starts a plugin again that failed too often or was stopped",
        "重新启动多次失败或被停止的插件",
    ),
    ("Its id in the site file", "站点文件中的插件标识"),
    (
        "Stops a plugin until it is enabled or the gateway restarts; its outputs are released",
        "停止插件，直到重新启用或网关重启；其输出被释放",
    ),
    (
        "To keep it off, write `enabled = false` in the site file.",
        "若要长期停用，请在站点文件中写 `enabled = false`。",
    ),
    ("Shows the last lines that a plugin logged", "显示插件最近的日志"),
    // simulate
    (
        "Runs the site's plugins and control against the simulated plant, in virtual time",
        "以虚拟时间在模拟机房上运行站点的插件和控制",
    ),
    (
        "Which plant room; by default the one that the site says in [simulation]",
        "选用哪个机房；默认按站点 [simulation] 所写",
    ),
    ("The plant's local time at the start", "开始时机房的当地时间"),
    ("How many years of 365 days", "年数，每年 365 天"),
    ("How many days; by default a year", "天数；默认一年"),
    ("Length of a step in seconds of the plant", "步长，机房时间的秒数"),
    ("Seed of every random number", "所有随机数的种子"),
    ("Leave this plugin out; may be given several times", "不运行此插件；可多次给出"),
    (
        "Load the ground alone as this table says, machines and plugins at rest: lines of `12-11,25,694.9` for 694.9 kW taken in the 25 days from 11 December of every year",
        "只按此表给地埋管加负荷，机组和插件都不运行：每行如 `12-11,25,694.9`，即每年 12 月 11 日起 25 天取热 694.9 kW",
    ),
    (
        "Run a second time without this plugin, or with another build of it, ID=FOLDER or ID=FILE, and show both side by side; --csv and --log tell of the site as it is",
        "再运行一次，去掉此插件或换用其另一构建（ID=文件夹 或 ID=文件），并列显示两次结果；--csv 和 --log 记录原站点的那一次",
    ),
    (
        "Write rows for a spreadsheet: what the plant does, what the plugins' points show, what they publish",
        "输出供电子表格使用的数据行：机房的运行情况、插件所用点位的值、插件发布的值",
    ),
    ("Length of time between two rows: 1h, 10min", "两行之间的时间：1h、10min"),
    (
        "Write what happens and when: lines that plugins log, why outputs move, alarms, failures; `-` for the terminal",
        "按机房时间记录所发生的事：插件的日志、输出变动的原因、报警、故障；`-` 表示终端",
    ),
    ("Draw plots of daily means into this folder", "把日平均值曲线画到此文件夹"),
    ("Record every call of every plugin", "记录每个插件的每次调用"),
    (
        "Call the plugins as recorded, and tell the first that asks for something else",
        "按记录调用插件，并指出第一个要求不同的插件",
    ),
    ("Print the sums as JSON", "以 JSON 输出合计"),
];

using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using HeteroQwen.Benchmarks;

const string Short = "--short";

// In this process: a kernel has no state that a process of its own would isolate, and nothing is built for each case.
Job job = (args.Contains(Short) ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
IConfig config = ManualConfig.CreateEmpty()
    .AddJob(job)
    .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(60))
    .AddLogger(ConsoleLogger.Default)
    .AddExporter(MarkdownExporter.GitHub)
    .AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params)
    .AddColumn(StatisticColumn.Median, StatisticColumn.Min, StatisticColumn.Max)
    .AddColumn(new RateColumn("GB/s", "Weights, cache entries and activations, each counted once, by median time", work => work.Bytes))
    .AddColumn(new RateColumn("GFLOP/s", "Multiplications and additions by median time", work => work.Flops));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. args.Where(a => a != Short)], config);

using System.Globalization;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli.Bench;

/// <summary>Where and how tests ran.</summary>
/// <param name="Model">The model.</param>
/// <param name="Processor">The machine's processor.</param>
/// <param name="Backend">The backend's name.</param>
/// <param name="Device">The device's, such as <c>cpu:0</c>.</param>
/// <param name="Tier">Kernel tier in use; null where the device has but one.</param>
/// <param name="Threads">Threads in use; null where the device has none to speak of.</param>
/// <param name="Precision">exact or fast.</param>
/// <param name="Kv">Type of the KV cache.</param>
/// <param name="LargestStep">The most tokens of a step.</param>
internal sealed record BenchSetup(
    BenchModel Model, string Processor, string Backend, string Device, string? Tier, int? Threads, string Precision, ElementType Kv,
    int LargestStep);

/// <summary>The result of one test. Rates are of tokens; the mean is that of the repetitions' rates, as llama-bench has it.</summary>
/// <param name="Setup">Where and how it ran.</param>
/// <param name="Test">The test.</param>
/// <param name="Start">When it began.</param>
/// <param name="Nanoseconds">Of each repetition.</param>
/// <param name="Work">Of one repetition.</param>
/// <param name="Roof">The device's limits beside it.</param>
internal sealed record BenchRow(
    BenchSetup Setup, BenchTest Test, DateTimeOffset Start, IReadOnlyList<long> Nanoseconds, Work Work, Roof Roof)
{
    public IReadOnlyList<double> Rates => [.. Nanoseconds.Select(t => Test.Tokens * 1e9 / t)];

    public double Rate => Rates.Average();

    public double BytesPerSecond => Work.Bytes / Test.Tokens * Rate;

    public double OperationsPerSecond => Work.Operations / Test.Tokens * Rate;

    public (double Percent, string Bound)? Nearest => Roof.Nearest(BytesPerSecond, OperationsPerSecond);

    /// <summary>Names and values, the first ones llama-bench's. Lists are left out where a row is one line of cells.</summary>
    public IEnumerable<(string Name, object? Value)> Fields =>
    [
        ("cpu_info", Setup.Processor), ("model_filename", Setup.Model.FileName),
        ("model_type", $"{Setup.Model.Kind} {Units.Count(Setup.Model.Parameters)} {Setup.Model.Types}"),
        ("model_size", Setup.Model.Bytes), ("model_n_params", Setup.Model.Parameters), ("backend", Setup.Backend),
        ("device", Setup.Device), ("tier", Setup.Tier), ("n_threads", Setup.Threads), ("precision", Setup.Precision),
        ("type_k", Setup.Kv.Name()), ("type_v", Setup.Kv.Name()), ("n_ubatch", Setup.LargestStep),
        ("n_prompt", Test.Prompt), ("n_gen", Test.Generated), ("n_depth", Test.Depth),
        ("test_time", Start.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
        ("avg_ns", (long)Nanoseconds.Average()), ("stddev_ns", (long)Deviation([.. Nanoseconds.Select(t => (double)t)])),
        ("avg_ts", Rate), ("stddev_ts", Deviation(Rates)),
        ("gb_per_s", BytesPerSecond / 1e9), ("gflop_per_s", OperationsPerSecond / 1e9),
        ("peak_gb_per_s", Roof.Bytes / 1e9), ("peak_gflop_per_s", Roof.Operations / 1e9), ("peak_unit", Roof.Unit),
        ("bound", Nearest?.Bound), ("percent_of_roof", Nearest?.Percent),
        ("samples_ns", Nanoseconds), ("samples_ts", Rates),
    ];

    /// <summary>Of a sample; 0 for one value.</summary>
    public static double Deviation(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        return values.Count < 2 ? 0 : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1));
    }
}

using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace HeteroQwen.Benchmarks;

/// <summary>An amount of a case's work divided by its median time, in thousand millions a second.</summary>
internal sealed class RateColumn(string name, string legend, Func<Work, double> amount) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        // Operations per nanosecond are thousand millions per second.
        double? nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Median;
        return nanoseconds is { } time && benchmarkCase.Parameters.Items.Select(p => p.Value).OfType<Work>().FirstOrDefault() is { } work
            ? (amount(work) / time).ToString("0.00", CultureInfo.InvariantCulture)
            : "-";
    }
}

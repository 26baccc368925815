namespace HeteroQwen.Runtime;

/// <summary>One line of the ledger: what the device did not do itself, or what its limits cost.</summary>
/// <param name="Op">Name of the op, or of the cost: <c>expanded weights</c>.</param>
/// <param name="Reason">Why, in the device's words.</param>
/// <param name="Count">Operations of the plan that the line stands for.</param>
/// <param name="FlopShare">Their share of the plan's multiplications and additions, 0 to 1.</param>
public sealed record LedgerRow(string Op, string Reason, int Count, double FlopShare)
{
    /// <summary>Bytes moved between device and host so far, or bytes that the cost took.</summary>
    public long Bytes { get; internal set; }
}

/// <summary>What ran on the host, why, and what it cost. Empty where the device did everything.</summary>
public sealed class Ledger
{
    private readonly List<LedgerRow> _rows = [];

    public IReadOnlyList<LedgerRow> Rows => _rows;

    /// <summary>Distinct ops that run on the host: how many kernels the device is away from running the model by itself.</summary>
    public int KernelsFromResident => _rows.Where(r => r.Count > 0).Select(r => r.Op).Distinct(StringComparer.Ordinal).Count();

    internal void Add(LedgerRow row) => _rows.Add(row);
}

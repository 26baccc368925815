namespace HeteroQwen.Conformance;

/// <summary>A check of buffers, streams, lifetimes or claims through the contract alone; such cases make up level L0.</summary>
/// <param name="name">The id without its first part.</param>
/// <param name="check">Throws <see cref="RuntimeCheckException"/> where the device is wrong; returns why there is nothing to check,
/// or null.</param>
internal sealed class RuntimeCase(string name, Func<RuntimeBench, string?> check) : ConformanceCase
{
    public RuntimeCase(string name, Action<RuntimeBench> check)
        : this(name, bench =>
        {
            check(bench);
            return null;
        })
    {
    }

    public override string Id => $"runtime/{name}";

    public override CaseKind Kind => CaseKind.Runtime;

    public override CaseResult Run(CaseContext context)
    {
        try
        {
            using RuntimeBench bench = new(context);
            return check(bench) is { } skipped ? new(Id, CaseStatus.Unsupported, skipped) : new(Id, CaseStatus.Pass, null);
        }
        catch (RuntimeCheckException e)
        {
            return new(Id, CaseStatus.Fail, e.Message);
        }
    }
}

/// <summary>The device broke a rule; the message says which and how.</summary>
internal sealed class RuntimeCheckException(string message) : Exception(message);

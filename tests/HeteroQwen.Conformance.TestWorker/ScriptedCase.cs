namespace HeteroQwen.Conformance.TestWorker;

/// <summary>A case that does what it is told.</summary>
internal sealed class ScriptedCase(string id, Func<string, CaseResult> run) : ConformanceCase
{
    public override string Id => id;

    public override CaseKind Kind => CaseKind.Runtime;

    public override CaseResult Run(CaseContext context) => run(id);
}

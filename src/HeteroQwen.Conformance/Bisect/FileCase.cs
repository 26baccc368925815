using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>A case that <c>bisect</c> saved: id <c>file:PATH</c>.</summary>
public sealed class FileCase : ConformanceCase
{
    /// <summary>What the id of such a case begins with.</summary>
    public const string Prefix = "file:";

    private readonly SingleOp _op;

    private FileCase(string path, SingleOp op)
    {
        Id = Prefix + path;
        _op = op;
    }

    public override string Id { get; }

    public override CaseKind Kind => CaseKind.Op;

    public override string? Op => _op.Op.Name;

    public override Precision? Precision => _op.Precision;

    /// <exception cref="UserErrorException">The file is missing or malformed.</exception>
    public static FileCase Load(string path) => new(path, new CaseFileReader(path).Read());

    public override CaseResult Run(CaseContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        try
        {
            (SingleOp op, string? refusal) = _op.AsAsked(context.Device);
            if (refusal is not null)
            {
                return new CaseResult(Id, CaseStatus.Unsupported, refusal);
            }

            OpFault? fault = op.Judge(op.Launch(context.Device), context.Device.Capabilities);
            return new CaseResult(Id, fault is null ? CaseStatus.Pass : CaseStatus.Fail, fault?.Verdict.Reason)
            {
                Metrics = fault?.Verdict.Metrics,
                Errors = fault?.Verdict.Errors,
            };
        }
        catch (RefusedException e)
        {
            return new CaseResult(Id, CaseStatus.Fail, e.Message);
        }
    }
}

using System.Diagnostics.CodeAnalysis;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>What a kernel is given: tensors whose memory is checked, no dimension of which is 0.</summary>
internal readonly struct Launch(OpDescriptor op, Tensor[] operands, Tensor[] results, Scratch scratch)
{
    public Attributes Attributes => op.Attributes;

    public Tensor[] Operands => operands;

    public Tensor[] Results => results;

    public Scratch Scratch => scratch;

    /// <summary>An index as it is stored, refused unless 0 &lt;= index &lt; limit.</summary>
    public long Index(in Tensor tensor, long offset, long limit, string name)
    {
        long index = (long)tensor.Value(offset);
        if (index < 0 || index >= limit)
        {
            Refuse($"{name} holds {index}, and only 0 to {limit - 1} is in range");
        }

        return index;
    }

    [DoesNotReturn]
    public void Refuse(string reason) => throw new LaunchException($"{op.Name}: {reason}");
}

/// <summary>The contents of a launch break a rule of the op. Never leaves the backend: the launch answers with a status.</summary>
internal sealed class LaunchException(string message) : Exception(message);

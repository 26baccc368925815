using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Ops;

/// <summary>The device refuses or breaks what it said that it supports.</summary>
internal sealed class RefusedException(string message) : Exception(message)
{
    public static void Check(string call, Status status)
    {
        if (!status.IsOk)
        {
            throw new RefusedException($"{call} answers {status.Code}: {status.Message}");
        }
    }

    public static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new RefusedException(message);
        }
    }
}

namespace HeteroQwen.Runtime;

/// <summary>Where an operation runs.</summary>
public enum Side
{
    Device,
    Host,
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Whose device is this?
/// @notice A device is one secp256k1 key. It is at once a libp2p identity (its PeerId) and an Ethereum address, and
/// the contract derives both from the public key, so neither can be claimed by someone who does not hold it.
/// An owner binds a device with one EIP-712 signature (`Delegation`), and the device agrees with one of its own
/// (`SessionConsent`). Anybody may post the two. A device may work for months before it is bound: what it earned is
/// kept under its address and counts for the owner from then on.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade.
/// EIP-712 domain: name "Starling", version "1", this chain, this contract.
interface IIdentity {
    /// @notice What an owner signs.
    /// @param owner The account that takes the device: a plain account, or a contract that answers ERC-1271.
    /// @param sessionKey Address of the device.
    /// @param peerId sha2-256 of the bytes of the device's libp2p PeerId.
    /// @param scope What the device may do for the owner, one bit each; at most 16 bits, at least one.
    /// @param validUntil Last second (Unix time) at which the delegation is in force; at most `MAX_VALIDITY` ahead.
    /// @param epoch The owner's current epoch; raising it kills every delegation signed before.
    struct Delegation {
        address owner;
        address sessionKey;
        bytes32 peerId;
        uint32 scope;
        uint64 validUntil;
        uint32 epoch;
    }

    /// @notice What is stored of a delegation.
    struct Binding {
        address owner;
        uint40 validUntil;
        uint32 epoch;
        uint16 scope;
        bool revoked;
    }

    /// @notice A public key was seen for the first time; from here on its PeerId can be looked up.
    event Registered(address indexed device, bytes32 indexed peerId, bytes32 x, bytes32 y);
    /// @notice A device was bound, or its delegation renewed.
    event Bound(
        address indexed owner, address indexed device, uint32 scope, uint64 validUntil, uint32 indexed epoch
    );
    /// @notice A device lost its delegation.
    event Revoked(address indexed owner, address indexed device);
    /// @notice Every delegation the owner signed for an earlier epoch is void.
    event EpochRaised(address indexed owner, uint32 epoch);

    /// @notice (x, y) is not a point of secp256k1.
    error NotOnCurve();
    /// @notice The public key belongs to another device than the delegation names.
    error WrongDevice(address derived, address named);
    /// @notice The PeerId of the public key is another than the delegation names.
    error WrongPeerId(bytes32 derived, bytes32 named);
    /// @notice A device cannot own itself, and the zero address owns nothing.
    error BadOwner(address owner);
    /// @notice No scope bit, or one above the 16 that are stored.
    error BadScope(uint32 scope);
    /// @notice `validUntil` is in the past or more than `MAX_VALIDITY` ahead.
    error BadValidity(uint64 validUntil, uint256 earliest, uint256 latest);
    /// @notice The delegation was signed for another epoch than the owner's current one.
    error WrongEpoch(uint32 signed, uint32 current);
    /// @notice The owner did not sign this delegation.
    error BadOwnerSignature();
    /// @notice The device did not sign this consent.
    error BadConsentSignature();
    /// @notice The device is, or was, another owner's. A device has one owner for ever, so that a record cannot move.
    error Taken(address device, address owner);
    /// @notice The device was revoked in this epoch; raise the epoch and sign again to take it back.
    error DeviceRevoked(address device);
    /// @notice A renewal must last longer than what is in force, so that an old signature cannot shorten a new one.
    error NotLonger(uint64 validUntil, uint64 current);
    /// @notice The owner has bound `MAX_DEVICES` devices, or more than 256 are asked about at once.
    error TooManyDevices();
    /// @notice The device is not the caller's, or is revoked already.
    error NotYours(address device);

    /// @notice Scope bit: the device may attest rounds.
    function SCOPE_ATTEST() external view returns (uint32);
    /// @notice Scope bit: the device may vote.
    function SCOPE_VOTE() external view returns (uint32);
    /// @notice Longest time a delegation may last, in seconds.
    function MAX_VALIDITY() external view returns (uint64);
    /// @notice Most devices one owner may ever bind.
    function MAX_DEVICES() external view returns (uint256);

    /// @notice Makes a device's PeerId known. Anybody may do it for any public key: nothing is claimed by it.
    /// @param x Abscissa of the public key.
    /// @param y Ordinate of the public key.
    /// @return device The address of the key.
    /// @return peerId sha2-256 of the bytes of its libp2p PeerId.
    function register(bytes32 x, bytes32 y) external returns (address device, bytes32 peerId);

    /// @notice Binds a device to an owner, or renews its delegation. Anybody may post it.
    /// @param x Abscissa of the device's public key.
    /// @param y Ordinate of the device's public key.
    /// @param delegation What the owner signed.
    /// @param ownerSignature The owner's signature of `delegation`: 65 bytes, or whatever its ERC-1271 asks for.
    /// @param consentSignature The device's signature of `SessionConsent(owner, epoch)`, 65 bytes.
    function bind(
        bytes32 x,
        bytes32 y,
        Delegation calldata delegation,
        bytes calldata ownerSignature,
        bytes calldata consentSignature
    ) external;

    /// @notice Ends the delegation of one of the caller's devices. What the device earned stays the caller's.
    function revoke(address device) external;

    /// @notice Ends the delegations of all of the caller's devices and voids every signature not posted yet.
    /// @dev Costs about 6,000 gas for each device ever bound (`MAX_DEVICES` at most). Marking each device here spares every
    /// attestation a second storage read for its owner's epoch.
    function revokeAll() external;

    /// @notice Whether the device may do what `scope` stands for: it has no owner and speaks for itself, or its
    /// delegation is in force and covers every bit of `scope`.
    function mayAct(address device, uint32 scope) external view returns (bool);

    /// @notice `mayAct` for up to 256 devices at once.
    /// @return bits Bit i, counted from the lowest, is set when `devices[i]` may act.
    function mayActEach(address[] calldata devices, uint32 scope) external view returns (uint256 bits);

    /// @notice The owner the device acts for now; zero when it has none or the delegation has ended.
    function ownerOf(address device) external view returns (address);

    /// @notice What is stored for a device; all zero when it was never bound.
    function bindingOf(address device) external view returns (Binding memory);

    /// @notice Every device the owner ever bound, in that order, revoked and expired ones included.
    function devicesOf(address owner) external view returns (address[] memory);

    /// @notice The epoch that the owner's next delegation must carry.
    function epochOf(address owner) external view returns (uint32);

    /// @notice The PeerId digest of a registered device; zero when it is not registered.
    function peerIdOf(address device) external view returns (bytes32);

    /// @notice The registered device of a PeerId digest; zero when there is none.
    function deviceOf(bytes32 peerId) external view returns (address);

    /// @notice Address and PeerId digest of a public key.
    /// @dev A libp2p PeerId of a secp256k1 key is an identity multihash (0x00, length 0x25) over the key's protobuf: 08 02
    /// (type secp256k1) 12 21 (33 bytes) and the compressed point. See the libp2p peer-ids specification.
    function derive(bytes32 x, bytes32 y) external pure returns (address device, bytes32 peerId);
}
